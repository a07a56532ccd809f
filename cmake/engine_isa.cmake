# Each kernel file is compiled for its own vector unit; the rest of the program for the plain processor. Which one runs
# is decided when the program starts (src/engine/dispatch.c).
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  file(GLOB avx2_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/engine/*_avx2.c)
  file(GLOB avx512_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/engine/*_avx512.c)
  set_source_files_properties(${avx2_sources} PROPERTIES COMPILE_OPTIONS "-mavx2;-mfma;-mf16c")
  set_source_files_properties(${avx512_sources} PROPERTIES COMPILE_OPTIONS "-mavx2;-mfma;-mf16c;-mavx512f;-mavx512bw;-mavx512dq;-mavx512vl")
endif()
# Conversions of storage types are loops over blocks: worth vectorising, and exact at any level.
set_source_files_properties(${CMAKE_SOURCE_DIR}/src/base/quants.c ${CMAKE_SOURCE_DIR}/src/base/dtype.c PROPERTIES COMPILE_OPTIONS "-O3")
