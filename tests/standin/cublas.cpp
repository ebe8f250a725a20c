#include <cublas_v2.h>

#include "standin.hpp"

struct cublasContext {
  cudaStream_t stream = nullptr;
};

extern "C" {

const char* cublasGetStatusString(cublasStatus_t) { return "failure"; }
cublasStatus_t cublasCreate_v2(cublasHandle_t* h) {
  *h = new cublasContext;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasDestroy_v2(cublasHandle_t h) {
  delete h;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetStream_v2(cublasHandle_t h, cudaStream_t s) {
  h->stream = s;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t, void* p, size_t size) { return p && size ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE; }
cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t) { return CUBLAS_STATUS_SUCCESS; }

/// Column-major C = alpha op(A) op(B) + beta C; with beta 0 what C held does not matter.
cublasStatus_t cublasSgemm_v2(cublasHandle_t h, cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k, const float* alpha, const float* a,
                              int lda, const float* b, int ldb, const float* beta, float* c, int ldc) {
  if (lda < (ta == CUBLAS_OP_N ? m : k) || ldb < (tb == CUBLAS_OP_N ? k : n) || ldc < m) return CUBLAS_STATUS_INVALID_VALUE;
  standin::submit(h->stream, [=, alpha = *alpha, beta = *beta] {
    for (int j = 0; j < n; ++j)
      for (int i = 0; i < m; ++i) {
        double sum = 0;
        for (int l = 0; l < k; ++l)
          sum += double(ta == CUBLAS_OP_N ? a[i + l * lda] : a[l + i * lda]) * double(tb == CUBLAS_OP_N ? b[l + j * ldb] : b[j + l * ldb]);
        float& to = c[i + j * ldc];
        to = float(alpha * sum) + (beta != 0 ? beta * to : 0);
      }
  });
  return CUBLAS_STATUS_SUCCESS;
}

}  // extern "C"
