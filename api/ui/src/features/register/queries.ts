import { queryOptions } from "@tanstack/react-query";
import { api, got } from "../../api/client";
import { keys } from "../../api/queries";
import type { Registration } from "../../api/types";
import { TYPES } from "./draft";

/** The models that were registered here, of all types. */
export const ownQuery = queryOptions({
  queryKey: keys.registrations,
  queryFn: async ({ signal }): Promise<Registration[]> => {
    const found = await Promise.all(
      TYPES.map(async (model_type) => {
        const path = { model_type };
        const listed = await got(api.GET("/v1/model_registrations/{model_type}", { params: { path }, signal }));
        return listed.filter((one) => !one.is_builtin).map((one) => ({ model_type, name: one.model_name }));
      }),
    );
    return Promise.all(
      found
        .flat()
        .map((path) => got(api.GET("/v1/model_registrations/{model_type}/{name}", { params: { path }, signal }))),
    );
  },
});
