import type { components } from "./schema";

type Schemas = components["schemas"];
export type Device = Schemas["DescribedDevice"];
export type Model = Schemas["Model"];
export type ModelEvent = Schemas["ModelEvent"];
export type Replica = Schemas["Replica"];
export type LogLine = Schemas["LogLine"];
export type EndedModel = Schemas["EndedModel"];
