#pragma once

// Needs nlohmann-json.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "dropnet/core/error.hpp"
#include "dropnet/core/version.hpp"
#include "dropnet/files/folder.hpp"
#include "dropnet/files/safetensors.hpp"
#include "dropnet/files/values.hpp"
#include "dropnet/network/fingerprint.hpp"
#include "dropnet/train/trainer.hpp"
#include "dropnet/weights.hpp"

namespace dropnet {

// A checkpoint is a folder: model.safetensors, as save_weights has it, and solver.safetensors with the momentum under the
// weights' names and, as metadata, everything else that training goes on from. docs/reliability.md says what is promised.

/// What goes into a checkpoint beside the trainer.
struct CheckpointExtras {
  std::vector<float> mean{};                   ///< of the images, as in save_weights
  std::map<std::string, std::string> notes{};  ///< the program's own
};

namespace detail {

/// Of the folder's layout. Versions to come read all smaller ones.
inline constexpr int checkpoint_format = 1;

/// Throws Error unless a file holds the tensors of a network, in its type of values, and nothing else.
inline void demand_tensors_of(const Architecture& architecture, bool is_double, const Safetensors& file, const std::string& path) {
  const auto refuse = [&](const std::string& why) { throw Error(path + ": a checkpoint of another network: " + why); };
  for (const TensorInfo& t : architecture.tensors) {
    const auto found = file.tensors.find(t.name);
    if (found == file.tensors.end()) refuse(t.name + ": " + shape_text(t.shape) + " in the network, not in the file");
    if (found->second.shape != t.shape) refuse(unfitting(t, found->second));
    if (found->second.is_double != is_double)
      refuse(t.name + " has values of type " + (found->second.is_double ? "F64" : "F32") + " but the network computes in " + (is_double ? "F64" : "F32"));
  }
  for (const auto& found : file.tensors) {
    const auto has = [&](const TensorInfo& t) { return t.name == found.first; };
    if (found.first != mean_name && std::none_of(architecture.tensors.begin(), architecture.tensors.end(), has))
      refuse(found.first + ": " + shape_text(found.second.shape) + " in the file, not in the network");
  }
}

inline nlohmann::json written(const DataPlan& plan) {
  return {{"images", plan.images}, {"batch", plan.batch}, {"iter_size", plan.iter_size}, {"pad", plan.augmentation.pad}, {"mirror", plan.augmentation.mirror}};
}
inline void read_plan(const nlohmann::json& from, DataPlan& to) {
  read_value(from.at("images"), to.images);
  read_value(from.at("batch"), to.batch);
  read_value(from.at("iter_size"), to.iter_size);
  read_value(from.at("pad"), to.augmentation.pad);
  read_value(from.at("mirror"), to.augmentation.mirror);
}

/// solver.safetensors, checked as far as that goes without the network.
struct SolverFile {
  Safetensors file;
  TrainerState state;
  std::string fingerprint;
  std::map<std::string, std::string> notes;

  explicit SolverFile(const std::string& path) : file(path) {
    int format = 0;
    read([&] { read_value(file.meta("checkpoint_format"), format); });
    if (format < 1 || format > checkpoint_format)
      file.fail("a checkpoint of format " + std::to_string(format) + "; this version of dropnet reads 1 to " + std::to_string(checkpoint_format));
    read([&] {
      read_value(file.meta("iteration"), state.iteration);
      read_value(file.meta("seed"), state.seed.value);
      read_value(file.meta("sgd"), state.sgd);
      read_value(file.meta("learning_rate"), state.rate);
      read_value(file.meta("growth"), state.growth);
      read_plan(file.meta("data"), state.data);
      fingerprint = file.meta("fingerprint").get<std::string>();
      notes = file.meta("notes").get<std::map<std::string, std::string>>();
    });
  }

 private:
  template <class Read>
  void read(Read some) const {
    try {
      some();
    } catch (const nlohmann::json::exception&) {
      file.fail("the solver's state cannot be read; the file is damaged, or no checkpoint's");
    } catch (const Error& e) {
      file.fail(std::string("the solver's state cannot be read: ") + e.what());
    }
  }
};

/// The folder itself, or a line that says what it is instead.
inline std::string checkpoint_folder(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code none;
  if (fs::is_regular_file(path, none))
    throw Error(path + ": a file, not a checkpoint's folder; weights alone cannot be resumed from: begin anew with them (load_weights, --weights)");
  if (!fs::exists(path, none)) throw Error(path + ": there is no such checkpoint");
  if (!fs::exists(path + "/solver.safetensors", none))
    throw Error(path + (fs::exists(path + "/model.safetensors", none) ? ": a model without the solver's state; weights alone cannot be resumed from: begin anew with them (load_weights, --weights)"
                                                                      : ": no checkpoint; its solver.safetensors is missing"));
  return path;
}

/// The state as solver.safetensors has it beside the momentum.
inline SafetensorsWriter solver_file(const TrainerState& state, const Architecture& architecture, const std::map<std::string, std::string>& notes) {
  SafetensorsWriter file;
  file.meta("checkpoint_format", std::to_string(checkpoint_format));
  file.meta("dropnet_version", std::to_string(DROPNET_VERSION));
  file.meta("fingerprint", nlohmann::json(fingerprint(architecture)).dump());
  file.meta("iteration", std::to_string(state.iteration));
  file.meta("seed", std::to_string(state.seed.value));
  file.meta("sgd", written(state.sgd).dump());
  file.meta("learning_rate", written(state.rate).dump());
  file.meta("growth", written(state.growth).dump());
  file.meta("data", written(state.data).dump());
  file.meta("notes", nlohmann::json(notes).dump());
  return file;
}

/// Both files of a checkpoint, checked against a network.
struct CheckpointFiles {
  SolverFile solver;
  Safetensors model;

  CheckpointFiles(const std::string& path, const Architecture& architecture, bool is_double)
      : solver(checkpoint_folder(path) + "/solver.safetensors"), model(path + "/model.safetensors") {
    demand_tensors_of(architecture, is_double, model, path);
    demand_tensors_of(architecture, is_double, solver.file, path);
    if (const std::string own = fingerprint(architecture); solver.fingerprint != own)
      throw Error(path + ": a checkpoint of another network: the same tensors, but other layers between them (its fingerprint is " + solver.fingerprint +
                  ", the network's " + own + ")");
    if (const auto said = model.metadata.find("iteration"); said == model.metadata.end() || said->second != std::to_string(solver.state.iteration))
      throw Error(path + ": its two files are not of the same iteration; the folder is damaged");
  }
};

}  // namespace detail

/// Writes a folder with everything that training goes on from. An older folder of that name stays as it is until the new one
/// is whole and on the disk. Throws Error if it cannot be written; nothing is left of it then.
template <class Backend, class T>
void save(const AnyTrainer<Backend, T>& trainer, const std::string& path, const CheckpointExtras& extras = {}) {
  const auto& net = trainer.network();
  const TrainerState state = trainer.state();
  auto solver = detail::solver_file(state, net.architecture(), extras.notes);
  for (const TensorInfo& t : net.architecture().tensors) {
    std::vector<T> values(t.size);
    trainer.solver().momentum().download(t.offset, values);
    solver.tensor(t.name, t.shape, values);
  }
  auto model = detail::weights_file(net, extras.mean);
  model.meta("iteration", std::to_string(state.iteration));
  detail::write_folder(path, [&](const std::string& folder) {
    model.write(folder + "/model.safetensors", false);
    solver.write(folder + "/solver.safetensors", false);
  });
}

/// Brings a trainer to where `save` was called: what it does from there on is, bit for bit, what the saved one went on to do.
/// Solver, schedules and seed are the checkpoint's from then on. Throws Error, and changes nothing, if the folder is damaged
/// or another network's.
template <class Backend, class T>
CheckpointExtras resume(AnyTrainer<Backend, T>& trainer, const std::string& path) {
  auto& net = trainer.network();
  const detail::CheckpointFiles files(path, net.architecture(), std::is_same_v<T, double>);
  trainer.restore(files.solver.state);
  for (const TensorInfo& t : net.architecture().tensors) {
    net.write(t, files.model.values<T>(files.model.tensors.at(t.name)));
    trainer.solver().momentum().upload(t.offset, files.solver.file.values<T>(files.solver.file.tensors.at(t.name)));
  }
  return {detail::mean_in(files.model, net.architecture().input), files.solver.notes};
}

}  // namespace dropnet
