"""no_skips.py JUNIT.xml: fails if a test that does not need a GPU was skipped."""

import sys
import xml.etree.ElementTree as tree

skipped = [case.get("name") for case in tree.parse(sys.argv[1]).iter("testcase")
           if case.find("skipped") is not None and not case.get("name").startswith("gpu.")]
for name in skipped:
    print(f"skipped: {name}", file=sys.stderr)
sys.exit(1 if skipped else 0)
