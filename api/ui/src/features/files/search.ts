import { type FileFilters, PURPOSES } from "../../api/files";

/** What files are for: what they were uploaded for, and what batches have made. */
export const ALL_PURPOSES = [...PURPOSES, "batch_output"] as const;

/** What the address of the list says: which files are shown, and in which order. What it does not know, it leaves out. */
export function filtersOf(search: Record<string, unknown>): FileFilters {
  const purpose = ALL_PURPOSES.find((one) => one === search["purpose"]);
  const after = search["after"];
  return {
    ...(purpose && { purpose }),
    ...(search["order"] === "asc" && { order: "asc" as const }),
    ...(typeof after === "string" && after && { after }),
  };
}

/** The purpose, if it is one that has a name here. */
export function knownPurpose(purpose: string) {
  return ALL_PURPOSES.find((one) => one === purpose);
}
