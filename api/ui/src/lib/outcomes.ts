/** What became of several things to which the same was done. `error`: the first. */
export interface Outcome {
  all: number;
  failed: number;
  error: Error | null;
}

/** Does this to each, one after the other; one that is refused keeps none of the others from it. */
export async function doToEach<T>(all: readonly T[], act: (one: T) => Promise<unknown>): Promise<Outcome> {
  const errors: Error[] = [];
  for (const one of all) await act(one).catch((error: Error) => errors.push(error));
  return { all: all.length, failed: errors.length, error: errors[0] ?? null };
}
