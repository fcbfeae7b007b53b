import { createRootRoute } from "@tanstack/react-router";
import { SessionGate } from "../features/session/SessionGate";
import { NotFoundPage } from "../features/shell/NotFoundPage";
import { Shell } from "../features/shell/Shell";

/** What all pages lie in. */
export const root = createRootRoute({
  component: () => (
    <SessionGate>
      <Shell />
    </SessionGate>
  ),
  notFoundComponent: NotFoundPage,
});

export const getParentRoute = () => root;
