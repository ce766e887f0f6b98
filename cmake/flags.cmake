# Warnings and hardening that every target of ours is compiled with; sanitizers by FAIRLEAD_SANITIZE.
set(FAIRLEAD_SANITIZE "" CACHE STRING "address | thread | empty")

add_library(fairlead_flags INTERFACE)
target_include_directories(fairlead_flags INTERFACE ${CMAKE_SOURCE_DIR})
# A file names itself by its place in the tree, so that the same sources give the same image wherever they lie.
target_compile_options(fairlead_flags INTERFACE -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnull-dereference -Werror
  -D_GLIBCXX_ASSERTIONS -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -ftrivial-auto-var-init=zero)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(fairlead_flags INTERFACE -Wthread-safety)
else()
  # g++ 12 reports these inside libstdc++ and fmt, where there is nothing of ours to mend.
  target_compile_options(fairlead_flags INTERFACE -Wno-null-dereference -Wno-restrict -Wno-maybe-uninitialized
    -Wno-missing-field-initializers)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT FAIRLEAD_SANITIZE)
  target_compile_options(fairlead_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
target_link_options(fairlead_flags INTERFACE -Wl,-z,relro,-z,now)
if(FAIRLEAD_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(FAIRLEAD_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
endif()

find_program(FAIRLEAD_MOLD mold)
if(FAIRLEAD_MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_link_options(-fuse-ld=mold)
endif()
find_program(FAIRLEAD_CCACHE ccache)
if(FAIRLEAD_CCACHE)
  # The two are what ccache asks for where a precompiled header is used.
  set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${FAIRLEAD_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_C_COMPILER_LAUNCHER})
endif()

# The standard library is two thirds of the time a file of ours takes to compile, so it is precompiled; nothing of ours
# is in it. The gcc preset goes without: there a file that forgot an include does not compile.
option(FAIRLEAD_PRECOMPILE "Precompile the standard headers" ON)
# fairlead_precompile(<target> <owner> [headers...]): once for <owner>, which brings the headers; others use its result.
function(fairlead_precompile target owner)
  if(NOT FAIRLEAD_PRECOMPILE)
    return()
  endif()
  if(target STREQUAL owner)
    target_precompile_headers(${target} PRIVATE <algorithm> <array> <charconv> <chrono> <cstdint> <deque> <expected>
      <filesystem> <functional> <map> <memory> <optional> <set> <span> <string> <string_view> <utility> <variant> <vector>
      <fmt/format.h> ${ARGN})
  else()
    target_precompile_headers(${target} REUSE_FROM ${owner})
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    target_compile_options(${target} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
  endif()
endfunction()
# What is precompiled must be compiled as its users are.
add_compile_options(-pthread)
