import { expect, test } from "vitest";
import { inPage } from "./inPage";

test.each([
  ["leave out n_gpu and gpu_idx (--n-gpu, --gpu-idx)", "leave out n_gpu and gpu_idx"],
  ["choose another (model_uid, -u), or end that one (headrace terminate -u e1)", "choose another, or end that one"],
  ["n_gpu None (--n-gpu None) uses the CPU", "n_gpu None uses the CPU"],
  ["install it (headrace engine install vllm does)", "install it"],
  ["a needs 0.68 GiB (0.59 weights, 0.10 overhead)", "a needs 0.68 GiB (0.59 weights, 0.10 overhead)"],
  ["too long (a well-known limit)", "too long (a well-known limit)"],
])("%s", (said, shown) => {
  expect(inPage(said)).toBe(shown);
});
