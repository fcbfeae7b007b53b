import { createRootRoute } from "@tanstack/react-router";
import { Activity } from "../features/activity/Activity";
import { SessionGate } from "../features/session/SessionGate";
import { NotFoundPage } from "../features/shell/NotFoundPage";
import { Shell } from "../features/shell/Shell";

/** What all pages lie in. */
export const root = createRootRoute({
  component: () => (
    <SessionGate>
      <Shell activity={<Activity />} />
    </SessionGate>
  ),
  notFoundComponent: NotFoundPage,
});

export const getParentRoute = () => root;
