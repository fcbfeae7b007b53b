import type { components } from "./schema";

type Schemas = components["schemas"];
export type Device = Schemas["DescribedDevice"];
export type Model = Schemas["Model"];
