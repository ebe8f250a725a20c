#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "standin.hpp"

using Work = std::function<void()>;

struct CUgraph_st {
  std::vector<Work> work;
};
struct CUgraphExec_st {
  std::vector<Work> work;
};
struct CUstream_st {
  std::deque<Work> queued;
  CUgraph_st* recording = nullptr;
  bool unjoined = false;  ///< recording, because it waits for a stream that does, which does not wait for it yet
  bool broken = false;  ///< something forbidden was done while recording
  void flush() {
    while (!queued.empty()) {
      const Work work = std::move(queued.front());
      queued.pop_front();
      work();
    }
  }
};
struct CUevent_st {
  cudaStream_t stream = nullptr;
  CUgraph_st* recording = nullptr;        ///< where it was last recorded
  std::size_t recorded = 0, reached = 0;  ///< how often
  std::chrono::steady_clock::time_point at;
};

namespace {

std::recursive_mutex mutex;
std::set<CUstream_st*> streams;
std::map<void*, std::size_t> sizes, pinned;
thread_local CUstream_st per_thread;
thread_local CUstream_st* recording = nullptr;  // by this thread
thread_local cudaError_t last = cudaSuccess;

CUstream_st& of(cudaStream_t s) { return s == cudaStreamPerThread ? per_thread : *s; }
cudaError_t fail(cudaError_t e) { return last = e; }
std::pair<char*, std::size_t> find(const std::map<void*, std::size_t>& all, const void* p) {
  auto after = all.upper_bound(const_cast<void*>(p));
  if (after == all.begin()) return {};
  const auto [begin, size] = *--after;
  return static_cast<const char*>(p) < static_cast<char*>(begin) + size ? std::pair(static_cast<char*>(begin), size) : std::pair<char*, std::size_t>();
}
bool is_pinned(const void* p) { return find(pinned, p).first; }
bool forbidden() {
  if (recording) recording->broken = true;
  return recording;
}

}  // namespace

namespace standin {

Machine& machine() {
  static Machine m;
  return m;
}

void submit(cudaStream_t stream, Work work) {
  const std::lock_guard lock(mutex);
  CUstream_st& s = of(stream);
  if (s.recording) s.unjoined |= &s != recording;
  if (s.recording)
    s.recording->work.push_back(std::move(work));
  else
    s.queued.push_back(std::move(work));
}

std::pair<char*, std::size_t> allocation(const void* p) {
  const std::lock_guard lock(mutex);
  return find(sizes, p);
}

}  // namespace standin

namespace dropnet::kernels {
void submit(cudaStream_t stream, std::function<void()> work);
void submit(cudaStream_t stream, std::function<void()> work) { standin::submit(stream, std::move(work)); }
}  // namespace dropnet::kernels

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  *count = standin::machine().devices;
  if (standin::machine().driver < CUDART_VERSION) return fail(cudaErrorInsufficientDriver);
  return *count ? cudaSuccess : fail(cudaErrorNoDevice);
}
cudaError_t cudaDriverGetVersion(int* version) {
  *version = standin::machine().driver;
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}
cudaError_t cudaGetLastError() { return std::exchange(last, cudaSuccess); }
const char* cudaGetErrorName(cudaError_t e) { return e == cudaErrorMemoryAllocation ? "cudaErrorMemoryAllocation" : "cudaError"; }
const char* cudaGetErrorString(cudaError_t e) { return e == cudaErrorMemoryAllocation ? "out of memory" : "failure"; }

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr which, int) {
  *value = which == cudaDevAttrMultiProcessorCount           ? 132
           : which == cudaDevAttrMaxSharedMemoryPerBlockOptin ? 227 * 1024
           : which == cudaDevAttrComputeCapabilityMajor       ? standin::machine().capability
                                                              : 0;
  return cudaSuccess;
}
cudaError_t cudaMalloc(void** p, size_t size) {
  const std::lock_guard lock(mutex);
  auto& m = standin::machine();
  if (forbidden()) return fail(cudaErrorStreamCaptureUnsupported);
  if (m.devices == 0 || m.driver < CUDART_VERSION) return fail(cudaErrorNoDevice);
  if (m.used + size > m.memory) return fail(cudaErrorMemoryAllocation);
  *p = std::aligned_alloc(256, (size + 255) / 256 * 256);
  std::memset(*p, 0xff, size);
  sizes[*p] = size;
  m.used += size;
  return cudaSuccess;
}
cudaError_t cudaFree(void* p) {
  const std::lock_guard lock(mutex);
  if (forbidden()) return fail(cudaErrorStreamCaptureUnsupported);
  per_thread.flush();
  for (CUstream_st* s : streams) s->flush();
  standin::machine().used -= sizes[p];
  sizes.erase(p);
  std::free(p);
  return cudaSuccess;
}
cudaError_t cudaHostAlloc(void** p, size_t size, unsigned) {
  const std::lock_guard lock(mutex);
  if (forbidden()) return fail(cudaErrorStreamCaptureUnsupported);
  *p = std::malloc(size);
  pinned[*p] = size;
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void* p) {
  const std::lock_guard lock(mutex);
  std::memset(p, 0xff, pinned[p]);
  pinned.erase(p);
  std::free(p);
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(size_t* free, size_t* all) {
  *all = standin::machine().memory;
  *free = *all - standin::machine().used;
  return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void* p, int value, size_t size, cudaStream_t stream) {
  standin::submit(stream, [=] { std::memset(p, value, size); });
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t size, cudaMemcpyKind kind, cudaStream_t stream) {
  if (kind == cudaMemcpyHostToDevice) {
    if (of(stream).recording) return forbidden(), fail(cudaErrorStreamCaptureUnsupported);
    const std::lock_guard lock(mutex);
    if (is_pinned(from)) {  // read when the stream comes to it
      standin::submit(stream, [=] { std::memcpy(to, from, size); });
      return cudaSuccess;
    }
    std::vector<char> taken(static_cast<const char*>(from), static_cast<const char*>(from) + size);
    standin::submit(stream, [=] { std::memcpy(to, taken.data(), size); });
  } else {
    standin::submit(stream, [=] { std::memcpy(to, from, size); });
  }
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* s, unsigned) {
  const std::lock_guard lock(mutex);
  *s = new CUstream_st;
  streams.insert(*s);
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t s) {
  const std::lock_guard lock(mutex);
  s->flush();
  streams.erase(s);
  delete s;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t s) {
  const std::lock_guard lock(mutex);
  if (of(s).recording) return forbidden(), fail(cudaErrorStreamCaptureUnsupported);
  ++standin::machine().waits;
  of(s).flush();
  standin::machine().idle += std::all_of(streams.begin(), streams.end(), [](const CUstream_st* other) { return other->queued.empty(); });
  return cudaSuccess;
}
cudaError_t cudaStreamBeginCapture(cudaStream_t s, cudaStreamCaptureMode) {
  of(s).recording = new CUgraph_st;
  recording = &of(s);
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t s, cudaGraph_t* graph) {
  *graph = std::exchange(of(s).recording, nullptr);
  recording = nullptr;
  for (CUstream_st* other : streams)
    if (*graph && other->recording == *graph) {
      other->recording = nullptr;
      if (std::exchange(other->unjoined, false)) return fail(cudaErrorStreamCaptureUnjoined);
    }
  ++standin::machine().graphs;
  return std::exchange(of(s).broken, false) ? fail(cudaErrorStreamCaptureInvalidated) : cudaSuccess;
}
cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t*, size_t* count) {
  *count = graph->work.size();
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
  *exec = new CUgraphExec_st{graph->work};
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  const std::lock_guard lock(mutex);
  for (CUstream_st* s : streams) s->flush();
  delete exec;
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  ++standin::machine().launches;
  for (const Work& work : exec->work) standin::submit(stream, work);
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t* e) {
  *e = new CUevent_st;
  return cudaSuccess;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* e, unsigned) { return cudaEventCreate(e); }
cudaError_t cudaEventDestroy(cudaEvent_t e) {
  delete e;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t stream) {
  e->stream = stream;
  e->recording = of(stream).recording;
  if (e->recording) return cudaSuccess;
  standin::submit(stream, [e, n = ++e->recorded] {
    e->at = std::chrono::steady_clock::now();
    e->reached = n;
  });
  return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t e, unsigned) {
  if (!e->stream) return cudaSuccess;  // never recorded
  CUstream_st &waiting = of(stream), &from = of(e->stream);
  if (e->recording) {  // work is recorded in the order of the calls, which is one of those that the events allow
    if (waiting.recording && waiting.recording != e->recording) return fail(cudaErrorStreamCaptureMerge);
    if (!waiting.recording) waiting.unjoined = true;
    waiting.recording = e->recording;
    from.unjoined = false;
    return cudaSuccess;
  }
  standin::submit(stream, [e, &from, n = e->recorded] {
    while (e->reached < n && !from.queued.empty()) {
      const Work work = std::move(from.queued.front());
      from.queued.pop_front();
      work();
    }
  });
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t e) { return cudaStreamSynchronize(e->stream); }
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t begin, cudaEvent_t end) {
  *ms = std::chrono::duration<float, std::milli>(end->at - begin->at).count();
  return cudaSuccess;
}

}  // extern "C"
