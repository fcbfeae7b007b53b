import type { CatalogueWeights, Way } from "../../api/types";
import type { LineFilters } from "./search";

/** Weights as a line of a table: the way to launch them that is shown, and what else runs them. */
export interface WeightsLine {
  weights: CatalogueWeights;
  way: Way | undefined;
  others: string[];
  /** Whether it can be launched, or may turn out to. */
  mayTry: boolean;
}

/** Weights as a line: with the first way that can be gone, or with why none can. Pure. */
export function lineOf(weights: CatalogueWeights): WeightsLine {
  const way = weights.ways.find((one) => one.runs) ?? weights.ways[0];
  const others = weights.ways.filter((one) => one.runs && one !== way).map((one) => one.engine ?? "");
  const mayTry = way !== undefined && (way.runs || way.cause === "unknown" || way.cause === "asking");
  return { weights, way, others, mayTry };
}

/** The lines that pass, those that can run here first. Pure. */
export function linesOf(all: readonly CatalogueWeights[], { size, fits }: LineFilters): WeightsLine[] {
  return all
    .filter((one) => size === undefined || one.model_size_in_billions === size)
    .map(lineOf)
    .filter((line) => !fits || line.way?.runs)
    .sort((one, other) => Number(other.way?.runs ?? false) - Number(one.way?.runs ?? false));
}

const SCHEMES = { huggingface: "hf", modelscope: "modelscope" } as const;

/** The repositories of weights, as the cache names them. Pure. */
export function sourcesOf(weights: readonly Pick<CatalogueWeights, "repositories">[]): Set<string> {
  const hubs = Object.keys(SCHEMES) as (keyof typeof SCHEMES)[];
  return new Set(
    weights.flatMap(({ repositories }) =>
      hubs.flatMap((hub) => (repositories[hub] ? [`${SCHEMES[hub]}:${repositories[hub]}`] : [])),
    ),
  );
}
