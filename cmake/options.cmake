# Flags that every target of ours has. Third-party headers come in as SYSTEM, so warnings are about our code alone.
add_library(hoop_options INTERFACE)
target_compile_options(hoop_options INTERFACE
  -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  -Wcast-align -Wformat=2 -Wimplicit-fallthrough -Wswitch -Wundef -Wvla -Werror
  -fno-strict-overflow -fstack-protector-strong)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports uninitialised coroutine frames, freed strings, and the delete of a frame that was inlined into its caller in code
  # that is right (PR 105562, 106093).
  target_compile_options(hoop_options INTERFACE -Wno-maybe-uninitialized -Wno-restrict -Wno-dangling-pointer -Wno-mismatched-new-delete -Wno-stringop-overread -Wno-array-bounds
    -Wno-subobject-linkage  # it takes what one of several sources in a unity build keeps to itself for a header's
    -Wduplicated-cond -Wlogical-op -fpch-preprocess)
else()
  # Results of awaitables are checked by our own [[nodiscard]] types. libstdc++ 12's std::stable_sort calls its own get_temporary_buffer,
  # which C++17 deprecates; g++ still checks deprecated calls of ours.
  target_compile_options(hoop_options INTERFACE -Wno-unused-command-line-argument -Wno-deprecated-declarations)
endif()
target_compile_definitions(hoop_options INTERFACE
  ASIO_NO_DEPRECATED HOOPCTL_VERSION="${PROJECT_VERSION}")
if(HOOPCTL_SANITIZE)
  target_compile_options(hoop_options INTERFACE -fsanitize=${HOOPCTL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(hoop_options INTERFACE -fsanitize=${HOOPCTL_SANITIZE})
endif()
if(HOOPCTL_HARDEN)
  target_compile_options(hoop_options INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fcf-protection=full -fstack-clash-protection)
  target_compile_definitions(hoop_options INTERFACE _GLIBCXX_ASSERTIONS)
  target_link_options(hoop_options INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack -pie)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 numbers the fields of a template's coroutine frame anew in every translation unit, and finds at link time that they differ.
    target_link_options(hoop_options INTERFACE -Wno-odr)
  endif()
endif()
if(HOOPCTL_FUZZ)
  target_compile_options(hoop_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
