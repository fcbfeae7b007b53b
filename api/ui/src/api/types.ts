import type { components, paths } from "./schema";

/**
 * What an event of a streamed answer may hold: the fields of all its kinds, or the error that it broke off with. `type`
 * may be one of a newer server.
 */
export type EventOf<Path extends keyof paths> = paths[Path] extends {
  post: { responses: { 200: { content: { "text/event-stream": infer Told } } } };
}
  ? { [Name in Exclude<Names<Told>, "type" | "error">]?: Values<Told, Name> } & {
      type?: string;
      error?: unknown;
    }
  : never;
type Names<Told> = Told extends unknown ? keyof Told : never;
type Values<Told, Name> = Told extends unknown ? (Name extends keyof Told ? Told[Name] : never) : never;

type Schemas = components["schemas"];
export type Device = Schemas["DescribedDevice"];
export type LostDevice = Schemas["LostDevice"];
export type NodeList = Schemas["NodeList"];
export type ClusterNode = Schemas["Node"];
export type NodeEngine = Schemas["NodeEngine"];
export type MachineFacts = Omit<GatewayFacts, "node" | "home">;
export type GatewayFacts = Schemas["GatewayFacts"];
export type Model = Schemas["Model"];
export type ModelEvent = Schemas["ModelEvent"];
export type Replica = Schemas["Replica"];
export type LogLine = Schemas["LogLine"];
export type ModelUnderway = Schemas["ModelUnderway"];
export type EndedModel = Schemas["EndedModel"];
export type CachedModel = Schemas["CachedModel"];
export type Registration = Schemas["Registration"];
export type CatalogueChange = Schemas["CatalogueChange"];
export type CatalogueEntry = Schemas["CatalogueEntry"];
export type CatalogueModel = Schemas["CatalogueModel"];
export type CatalogueWeights = Schemas["CatalogueWeights"];
export type Way = Schemas["Way"];
export type DeviceEstimate = Schemas["DeviceEstimate"];
export type ReasonTold = Schemas["ReasonTold"];
export type Suggested = Schemas["Suggested"];
