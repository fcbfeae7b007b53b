import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { apiUrl } from "../api/address";
import { sessionQuery } from "../api/session";
import { Code } from "./Code";
import { curl, javascript, python } from "./code";
import type { Example } from "./example";

/** A request as a program, in three languages, with this server's address. */
export function AsCode({ example }: { example: Example }) {
  const { t } = useTranslation();
  const keyed = useQuery(sessionQuery).data?.needs_key ?? false;
  const server = { base: apiUrl("v1"), keyed };
  return (
    <>
      {keyed && <p>{t("code.key")}</p>}
      <Code title={t("code.curl")} text={curl(example, server)} />
      <Code title={t("code.python")} text={python(example, server)} />
      <Code title={t("code.javascript")} text={javascript(example, server)} />
    </>
  );
}
