import { Studio } from "./Studio";

/** Pictures: generated, edited, varied and repainted. */
export function ImagesPage() {
  return <Studio page="images" />;
}
