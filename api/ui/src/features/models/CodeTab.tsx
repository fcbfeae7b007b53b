import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { apiUrl } from "../../api/address";
import { sessionQuery } from "../../api/session";
import type { Model } from "../../api/types";
import { Code } from "../../parts/Code";
import { curl, javascript, python } from "./code";
import { exampleOf } from "./examples";

/** A request to the model as a program, in three languages, with this server's address. */
export function CodeTab({ model }: { model: Model }) {
  const { t } = useTranslation();
  const keyed = useQuery(sessionQuery).data?.needs_key ?? false;
  const server = { base: apiUrl("v1"), keyed };
  const example = exampleOf(model);
  return (
    <>
      {keyed && <p>{t("code.key")}</p>}
      <Code title={t("code.curl")} text={curl(example, server)} />
      <Code title={t("code.python")} text={python(example, server)} />
      <Code title={t("code.javascript")} text={javascript(example, server)} />
    </>
  );
}
