import type { Device } from "../../api/types";
import { isObject } from "./adapters";

/** Where a replica goes; none where there is room. The names are those of the API's `replica_config`. */
type Entry = { devices?: { worker_ip?: string; n_gpu?: unknown; gpu_idx?: unknown }[] };

/** A device as it is chosen: a word for it, what it is called, and its entry. */
export interface Seat {
  key: string;
  name: string;
  entry: Entry;
}

const MOST = 64;

/** The devices on which a replica can be placed by itself. Pure. */
export function seatsOf(devices: readonly Pick<Device, "id" | "node" | "kind">[]): Seat[] {
  return devices.flatMap(({ id, node, kind }) => {
    const index = id.slice(node.length + 1).split(":")[1] ?? "";
    if (kind === "cuda" && !/^\d+$/.test(index)) return []; // an instance of a GPU has no index of its own
    const place = kind === "cpu" ? { n_gpu: "None" } : kind === "cuda" ? { gpu_idx: [Number(index)] } : { n_gpu: 1 };
    const entry = { devices: [{ worker_ip: node, ...place }] };
    return [{ key: keyOf(entry), name: id, entry }];
  });
}

/** The entries of the field `replica_config`; null where it holds something else. Pure. */
export function entriesOf(text: string): Entry[] | null {
  try {
    const found: unknown = JSON.parse(text);
    return Array.isArray(found) && found.every(isObject) ? found : null;
  } catch {
    return null;
  }
}

/** The word for where a replica goes; empty where that is left to the server. Pure. */
export function keyOf({ devices = [] }: Entry): string {
  const [place] = devices;
  if (!place) return "";
  const gpus = [place.gpu_idx ?? []].flat();
  return [place.worker_ip ?? "*", gpus.length > 0 ? `GPU ${gpus.join(",")}` : `n_gpu ${place.n_gpu}`].join(" ");
}

/** The field for so many replicas: those that are there keep their places. Pure. */
export function resized(text: string, replicas: string | undefined): string {
  const count = Math.min(Math.max(Number.parseInt(replicas ?? "", 10) || 1, 1), MOST);
  const entries = entriesOf(text) ?? [];
  return JSON.stringify(Array.from({ length: count }, (_, at) => entries[at] ?? {}));
}

/** The field with another place for one replica. Pure. */
export function placed(text: string, at: number, entry: Entry): string {
  return JSON.stringify((entriesOf(text) ?? []).map((one, place) => (place === at ? entry : one)));
}
