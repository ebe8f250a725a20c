"""snippets.py COMPILER SOURCE compile|run [CUDA_INCLUDE_FOLDER...]: the C++ in README.md and docs/catalogue.md.

Programs (with main) are compiled; with `run`, or if they are short, they are run as well, in the repository's root.
Other snippets of the catalogue are bodies of functions: all are compiled into one program, which calls them.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

compiler, source, how, cuda = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3], sys.argv[4:]
FLAGS = ["-std=c++20", "-I", source / "include", "-isystem", "/usr/include/eigen3", "-pthread"]


def blocks(path):
    return re.findall(r"```cpp\n(.*?)```", (source / path).read_text(), re.S)


def build(text, folder, *flags):
    program = pathlib.Path(folder) / "program"
    (pathlib.Path(folder) / "program.cpp").write_text(text)
    subprocess.run([compiler, *FLAGS, *flags, program.with_suffix(".cpp"), "-o", program], check=True)
    return program


with tempfile.TemporaryDirectory() as folder:
    programs = [b for b in blocks("README.md") if "int main" in b]
    assert len(programs) == 3, "the README has three programs"
    for number, text in enumerate(programs):
        long = number == 0  # the first screen trains for a minute
        if long and how != "run":
            build(text, folder, "-fsyntax-only")
            continue
        output = subprocess.run([build(text, folder, "-march=native", "-O3" if long else "-O1")], cwd=source, check=True, text=True, capture_output=True).stdout
        if long:
            assert float(output) > 0.9, output
            print(f"the first screen's program printed {output.strip()}")
    for text in blocks("README.md"):
        if "dropnet/cuda.hpp" in text and cuda:
            build(text, folder, "-fsyntax-only", *[f for folder_of in cuda for f in ("-isystem", folder_of)])
    bodies = [b for b in blocks("docs/catalogue.md")]
    text = "#include <dropnet/dropnet.hpp>\n"
    text += "".join(f"#include <{h.relative_to(source / 'include')}>\n" for h in sorted((source / "include/dropnet/models").glob("*.hpp")))
    text += "namespace dn = dropnet;\n"
    text += "".join(f"void snippet{i}() {{\n{b}}}\n" for i, b in enumerate(bodies))
    text += "int main() {\n" + "".join(f"  snippet{i}();\n" for i in range(len(bodies))) + "}\n"
    subprocess.run([build(text, folder, "-O0")], cwd=source, check=True)
    print(f"{len(programs)} programs and {len(bodies)} snippets")
