import type { FileName, Mode } from "./modes";

/** What a picture is there for. */
export type Role = "changed" | "optional" | "first" | "last" | "guide";

/** What a picture of this name is there for in a mode; null for a mask, which is no picture. Pure. */
export function roleOf(mode: Mode, name: FileName): Role | null {
  if (name === "mask") return null;
  if (name !== "image") return name === "last_image" ? "last" : "guide";
  if (mode === "guide") return "optional";
  return mode === "animate" || mode === "between" ? "first" : "changed";
}
