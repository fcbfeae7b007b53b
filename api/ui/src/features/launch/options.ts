/** An option of an engine, of the JSON Schema that describes it. */
export interface EngineOption {
  name: string;
  description: string;
  /** What can be chosen; null where it is typed. */
  choices: string[] | null;
  /** What holds where nothing is said; null where that is not known, or nothing. */
  usual: string | null;
  /** Its type and bounds, as short words: `integer`, `≥ 1`. */
  facts: string[];
}

type Schema = Record<string, unknown>;
const BOUNDS = [
  ["minimum", "≥"],
  ["exclusiveMinimum", ">"],
  ["maximum", "≤"],
  ["exclusiveMaximum", "<"],
] as const;

/** The options of an engine that a schema describes. Pure. */
export function optionsOf(schema: Schema): EngineOption[] {
  const { properties } = schema;
  return Object.entries(isSchema(properties) ? properties : {}).map(([name, one]) => {
    const own = isSchema(one) ? one : {};
    const kinds = [own, ...listOf(own["anyOf"]).filter(isSchema)].filter((kind) => kind["type"] !== "null");
    const types = [...new Set(kinds.flatMap((kind) => (typeof kind["type"] === "string" ? [kind["type"]] : [])))];
    const bounds = BOUNDS.flatMap(([key, sign]) =>
      kinds.flatMap((kind) => (key in kind ? [`${sign} ${kind[key]}`] : [])),
    );
    const value = own["default"];
    const named = kinds.flatMap((kind) => listOf(kind["enum"]).map(String));
    const isSwitch = types.length === 1 && types[0] === "boolean";
    return {
      name,
      description: String(own["description"] ?? ""),
      choices: named.length > 0 ? named : isSwitch ? ["true", "false"] : null,
      usual: value === undefined || value === null ? null : typeof value === "string" ? value : JSON.stringify(value),
      facts: [types.join(" | "), ...bounds].filter(Boolean),
    };
  });
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
