import type { EngineOption } from "./options";

/** So many options are looked through without a search. */
const MANY = 40;

/** What people set of engines with hundreds of options; the others are shown on demand. */
const OFTEN = new Set([
  "max_model_len",
  "gpu_memory_utilization",
  "tensor_parallel_size",
  "pipeline_parallel_size",
  "max_num_seqs",
  "max_num_batched_tokens",
  "dtype",
  "kv_cache_dtype",
  "enforce_eager",
  "enable_prefix_caching",
  "enable_chunked_prefill",
  "cpu_offload_gb",
  "limit_mm_per_prompt",
  "speculative_config",
  "hf_overrides",
  "chat_template",
  "tool_call_parser",
  "reasoning_parser",
]);

/** Of many options those that are often set, and those that are filled in or at fault; of few, all. Pure. */
export function foremost(
  options: readonly EngineOption[],
  isNeeded: (name: string) => boolean,
): readonly EngineOption[] {
  if (options.length <= MANY) return options;
  const found = options.filter(({ name }) => OFTEN.has(name) || isNeeded(name));
  return found.length > 0 ? found : options;
}
