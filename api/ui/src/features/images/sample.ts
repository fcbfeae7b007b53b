import type { Model } from "../../api/types";
import type { PageName } from "./modes";

/** Which example a page begins with: one that the model can draw, of which the one of the demonstration draws little. Pure. */
export function sampleOf(page: PageName, model: Pick<Model, "model_name"> | undefined): PageName | "glyphs" {
  return model?.model_name === "glyphs" ? "glyphs" : page;
}
