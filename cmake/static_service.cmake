# fairlead_service(<name>): the program of one microservice from the .cc files beside it, and its tests.
#
# It is one static binary, so that its image needs nothing else: FROM scratch. Debian has no static libfmt, so the few
# functions of fmt that are not templates come from fmt_static.cc; simdjson has none either and is not used by services.
# Under sanitizers the program is linked as usual.
find_library(FAIRLEAD_STATIC_SSL libssl.a REQUIRED)
find_library(FAIRLEAD_STATIC_CRYPTO libcrypto.a REQUIRED)
find_library(FAIRLEAD_STATIC_YAML libyaml.a REQUIRED)

add_library(fairlead_fmt_static STATIC EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/cmake/fmt_static.cc)

function(fairlead_service name)
  fairlead_room(${name}_parts DEPS service)
  add_executable(${name} main.cc)
  if(FAIRLEAD_SANITIZE)
    target_link_libraries(${name} PRIVATE ${name}_parts fairlead_flags)
  else()
    add_dependencies(${name} ${name}_parts service net base fairlead_fmt_static)
    target_link_libraries(${name} PRIVATE fairlead_flags -static -Wl,--gc-sections -Wl,--start-group
      $<TARGET_FILE:${name}_parts> $<TARGET_FILE:service> $<TARGET_FILE:net> $<TARGET_FILE:base> $<TARGET_FILE:fairlead_fmt_static>
      ${FAIRLEAD_STATIC_SSL} ${FAIRLEAD_STATIC_CRYPTO} ${FAIRLEAD_STATIC_YAML} -Wl,--end-group)
    add_custom_command(TARGET ${name} POST_BUILD COMMAND ${CMAKE_STRIP} $<TARGET_FILE:${name}>)
    set_property(TARGET ${name} APPEND PROPERTY LINK_DEPENDS $<TARGET_FILE:${name}_parts> $<TARGET_FILE:service>
      $<TARGET_FILE:net> $<TARGET_FILE:base>)
  endif()
endfunction()
