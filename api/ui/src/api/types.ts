import type { components } from "./schema";

type Schemas = components["schemas"];
export type Device = Schemas["DescribedDevice"];
export type LostDevice = Schemas["LostDevice"];
export type Model = Schemas["Model"];
export type ModelEvent = Schemas["ModelEvent"];
export type Replica = Schemas["Replica"];
export type LogLine = Schemas["LogLine"];
export type ModelUnderway = Schemas["ModelUnderway"];
export type EndedModel = Schemas["EndedModel"];
export type CachedModel = Schemas["CachedModel"];
export type Registration = Schemas["Registration"];
export type CatalogueEntry = Schemas["CatalogueEntry"];
export type CatalogueModel = Schemas["CatalogueModel"];
export type CatalogueWeights = Schemas["CatalogueWeights"];
export type Way = Schemas["Way"];
export type DeviceEstimate = Schemas["DeviceEstimate"];
export type Suggested = Schemas["Suggested"];
