import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { filtersOf } from "../features/jobs/search";
import { getParentRoute } from "./root";

/** What is done in the background. */
export const work = [
  createRoute({
    getParentRoute,
    path: "/jobs",
    validateSearch: filtersOf,
    component: lazyRouteComponent(() => import("../features/jobs/JobsPage"), "JobsPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/jobs/$id",
    component: lazyRouteComponent(() => import("../features/jobs/JobPage"), "JobPage"),
  }),
];
