#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dropnet/core/pick.hpp"
#include "dropnet/cuda/backend.hpp"
#include "dropnet/cuda/images.hpp"
#include "dropnet/cuda/pinned.hpp"
#include "dropnet/cuda/stream.hpp"
#include "dropnet/data/staging.hpp"

namespace dropnet {

/// Batches come to the device as they are stored, bytes as bytes, from pinned memory, while it is still at work on the step before;
/// windows, mirroring and mean are the device's work. The host waits for the copy of the batch before, not for the device's work.
template <>
class Staging<Cuda, float> {
 public:
  struct Batch {
    cuda::PinnedBuffer<std::uint8_t> bytes;
    cuda::PinnedBuffer<float> floats, targets;
    cuda::PinnedBuffer<int> labels;
    std::vector<Pick> picks;  ///< of these images

    void fill(Batches& from, std::uint64_t t) {
      const Dataset& data = from.data();
      const auto all = from.at(t);
      picks.assign(all.begin(), all.end());
      for (std::size_t n = 0; n < picks.size(); ++n) {
        const std::size_t image = picks[n].image;
        take(data.bytes(), image, data.stored_size(), bytes, n);
        take(data.floats(), image, data.stored_size(), floats, n);
        take(data.targets(), image, data.target_size(), targets, n);
        take(data.labels(), image, 1, labels, n);
        picks[n].image = std::uint32_t(n);
      }
    }

   private:
    template <class T>
    static void take(std::span<const T> from, std::size_t image, std::size_t size, cuda::PinnedBuffer<T>& to, std::size_t n) {
      if (!from.empty()) std::copy_n(from.data() + image * size, size, to.data() + n * size);
    }
  };

  Staging(Cuda&, const Batches& batches) : images_(batches.data(), std::size_t(batches.batch())) {}
  Batch batch() const {
    return {cuda::PinnedBuffer<std::uint8_t>(images_.bytes.size()), cuda::PinnedBuffer<float>(images_.floats.size()),
            cuda::PinnedBuffer<float>(images_.targets.size()), cuda::PinnedBuffer<int>(images_.labels.size()), {}};
  }
  template <class Workspace>
  void bring(const Batch& batch, Workspace& ws) {
    const std::size_t count = batch.picks.size();
    const cudaStream_t steps = ws.backend().stream();
    read_.hold(copies_.raw);
    send(batch.bytes, count * images_.stored_size, images_.bytes);
    send(batch.floats, count * images_.stored_size, images_.floats);
    send(batch.targets, count * images_.target_size, images_.targets);
    send(batch.labels, count, images_.labels);
    there_.set(copies_.raw);
    there_.hold(steps);
    ws.pick(batch.picks);
    ws.load_picked(images_);
    read_.set(steps);
  }
  /// A failure is left to the next call to find.
  void let_go() noexcept { cudaStreamSynchronize(copies_.raw); }

 private:
  template <class T>
  void send(const cuda::PinnedBuffer<T>& from, std::size_t count, cuda::DeviceBuffer<T>& to) {
    if (to.size()) to.queue_upload(copies_.raw, 0, from.first(count));
  }

  DeviceImages images_;
  cuda::Stream copies_;
  cuda::Mark there_, read_;  ///< the last batch on the device; by the step that it is for
};

}  // namespace dropnet
