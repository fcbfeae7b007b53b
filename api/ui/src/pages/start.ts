import { createRoute } from "@tanstack/react-router";
import { filtersOf as catalogueFiltersOf, lineFiltersOf } from "../features/catalogue/search";
import { filtersOf, tabOf } from "../features/models/search";
import { foremost, late } from "./late";
import { named } from "./named";
import { getParentRoute } from "./root";

/** What is there, and how models come and go. */
export const start = [
  createRoute({
    getParentRoute,
    path: "/",
    validateSearch: (search: Record<string, unknown>) => named(search, "trying"),
    component: foremost(() => import("../features/overview/OverviewPage"), "OverviewPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/catalogue",
    validateSearch: catalogueFiltersOf,
    component: late(() => import("../features/catalogue/CataloguePage"), "CataloguePage"),
  }),
  createRoute({
    getParentRoute,
    path: "/catalogue/$name",
    validateSearch: lineFiltersOf,
    component: late(() => import("../features/catalogue/ModelPage"), "ModelPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/launch",
    validateSearch: (search: Record<string, unknown>) => ({
      ...named(search, "name"),
      ...named(search, "type"),
      ...named(search, "path"),
      ...named(search, "engine"),
      ...named(search, "size"),
      ...named(search, "format"),
      ...named(search, "quantization"),
      ...named(search, "launched"),
    }),
    component: late(() => import("../features/launch/LaunchPage"), "LaunchPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/models",
    validateSearch: filtersOf,
    component: late(() => import("../features/models/ModelsPage"), "ModelsPage"),
  }),
  createRoute({
    getParentRoute,
    path: "/models/$uid",
    validateSearch: tabOf,
    component: late(() => import("../features/models/ModelPage"), "ModelPage"),
  }),
];
