import { createRoute } from "@tanstack/react-router";
import { searchOf } from "../features/batches/search";
import { filtersOf as filesOf } from "../features/files/search";
import { filtersOf } from "../features/jobs/search";
import { late } from "./late";
import { getParentRoute } from "./root";

/** What is done in the background. */
export const work = [
  createRoute({
    getParentRoute,
    path: "/jobs",
    validateSearch: filtersOf,
    component: late(() => import("../features/jobs/JobsPage"), "JobsPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/jobs/$id",
    component: late(() => import("../features/jobs/JobPage"), "JobPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/batches",
    validateSearch: searchOf,
    component: late(() => import("../features/batches/BatchesPage"), "BatchesPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/batches/$id",
    component: late(() => import("../features/batches/BatchPage"), "BatchPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/files",
    validateSearch: filesOf,
    component: late(() => import("../features/files/FilesPage"), "FilesPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/files/$id",
    component: late(() => import("../features/files/FilePage"), "FilePage"),
  }),
];
