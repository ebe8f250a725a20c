# Finds cuBLAS beside the CUDA toolkit, in the system, or in the Python wheel nvidia-cublas.
# Sets cuBLAS_INCLUDE_DIR and cuBLAS_LIBRARY (a shared library, for dlopen).
if(NOT cuBLAS_INCLUDE_DIR OR NOT cuBLAS_LIBRARY)
  execute_process(COMMAND python3 -c "import nvidia; print(list(nvidia.__path__)[0])" OUTPUT_VARIABLE wheels OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
set(soname libcublas.so.${CUDAToolkit_VERSION_MAJOR})
find_library(cuBLAS_LIBRARY NAMES ${soname} NAMES_PER_DIR HINTS ${CUDAToolkit_LIBRARY_DIR} ${CUDAToolkit_LIBRARY_ROOT}
  PATHS ${wheels}/cu${CUDAToolkit_VERSION_MAJOR} ${wheels}/cublas PATH_SUFFIXES lib lib64)
find_path(cuBLAS_INCLUDE_DIR cublas_v2.h HINTS ${CUDAToolkit_INCLUDE_DIRS} PATHS ${wheels}/cu${CUDAToolkit_VERSION_MAJOR} ${wheels}/cublas PATH_SUFFIXES include)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(cuBLAS REQUIRED_VARS cuBLAS_LIBRARY cuBLAS_INCLUDE_DIR)
mark_as_advanced(cuBLAS_LIBRARY cuBLAS_INCLUDE_DIR)
