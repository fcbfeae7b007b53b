import { Studio } from "./Studio";

/** Videos: of a text, or of a picture with which they begin. */
export function VideosPage() {
  return <Studio page="videos" />;
}
