#include "engine/control/controllers.h"

#include "engine/control/event_recorder.h"

namespace fairlead::control {

void add_workload_controllers(Manager& /*manager*/, api::Api& /*api*/, const Seams& /*seams*/) {}

void add_controllers(Manager& manager, api::Api& api, const Seams& seams) {
  add_workload_controllers(manager, api, seams);
  manager.add(make_event_expiry(api));
}

}  // namespace fairlead::control
