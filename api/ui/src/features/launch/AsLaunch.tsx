import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { apiUrl } from "../../api/address";
import { sessionQuery } from "../../api/session";
import { Code } from "../../parts/Code";
import { curl } from "../../parts/code";
import { commandOf } from "./command";
import type { Body } from "./draft";
import { Folded } from "./Folded";

/** The same launch as a command, as JSON and as a request of curl. */
export function AsLaunch({ body }: { body: Body }) {
  const { t } = useTranslation();
  const keyed = useQuery(sessionQuery).data?.needs_key ?? false;
  return (
    <Folded title={t("launch.asCode")}>
      <Code title={t("launch.command")} text={commandOf(body, apiUrl("").replace(/\/$/, ""))} />
      <Code title={t("launch.json")} text={JSON.stringify(body, null, 2)} />
      <Code title={t("code.curl")} text={curl({ path: "models", body }, { base: apiUrl("v1"), keyed })} />
    </Folded>
  );
}
