import { createRouter } from "@tanstack/react-router";
import { pageBase } from "./api/address";
import { BrokenPage } from "./features/shell/BrokenPage";
import { root } from "./pages/root";
import { server } from "./pages/server";
import { start } from "./pages/start";
import { trying } from "./pages/trying";
import { work } from "./pages/work";

export const router = createRouter({
  routeTree: root.addChildren([...start, ...trying, ...work, ...server]),
  basepath: pageBase.pathname,
  defaultPreload: "intent",
  defaultErrorComponent: BrokenPage,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
