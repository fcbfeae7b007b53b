import katex from "katex";
import "katex/dist/katex.min.css";

/** Draws a formula into an element, through the DOM alone: a string of HTML would need styles that are forbidden. */
export function draw(text: string, place: HTMLElement, displayMode: boolean): void {
  const drawn = document.createElement("span");
  try {
    katex.render(text, drawn, { displayMode, throwOnError: true, strict: false, trust: false, maxExpand: 200 });
    place.replaceChildren(drawn);
  } catch (error) {
    if (!(error instanceof katex.ParseError)) throw error;
    place.title = error.message;
  }
}
