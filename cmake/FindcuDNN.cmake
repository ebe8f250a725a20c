# Finds cuDNN in cuDNN_ROOT, beside the CUDA toolkit, in the system, or in the Python wheel nvidia-cudnn-cu13.
# Sets cuDNN_INCLUDE_DIR, cuDNN_LIBRARY (a shared library, for dlopen) and cuDNN_VERSION.
if(NOT cuDNN_INCLUDE_DIR OR NOT cuDNN_LIBRARY)
  execute_process(
    COMMAND python3 -c "import importlib.util as u; print(list(u.find_spec('nvidia.cudnn').submodule_search_locations)[0])"
    OUTPUT_VARIABLE wheel OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
set(hints ${CUDAToolkit_LIBRARY_ROOT} ${CUDAToolkit_LIBRARY_DIR} ${CUDAToolkit_INCLUDE_DIRS})
# NAMES_PER_DIR, or a library in the system would win over one in a folder that was named.
find_library(cuDNN_LIBRARY NAMES libcudnn.so.9 cudnn NAMES_PER_DIR HINTS ${cuDNN_ROOT} ${hints} PATHS ${wheel} PATH_SUFFIXES lib lib64 ../lib64 ../lib)
find_path(cuDNN_INCLUDE_DIR cudnn_backend.h HINTS ${cuDNN_ROOT} ${hints} PATHS ${wheel} PATH_SUFFIXES include)
if(cuDNN_INCLUDE_DIR)
  file(READ ${cuDNN_INCLUDE_DIR}/cudnn_version.h header)
  foreach(part MAJOR MINOR PATCHLEVEL)
    string(REGEX MATCH "define CUDNN_${part} ([0-9]+)" _ "${header}")
    list(APPEND version ${CMAKE_MATCH_1})
  endforeach()
  list(JOIN version . cuDNN_VERSION)
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(cuDNN REQUIRED_VARS cuDNN_LIBRARY cuDNN_INCLUDE_DIR VERSION_VAR cuDNN_VERSION)
mark_as_advanced(cuDNN_LIBRARY cuDNN_INCLUDE_DIR)
