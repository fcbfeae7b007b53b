import { useTranslation } from "react-i18next";

/** Says that something is on its way. */
export function Loading() {
  const { t } = useTranslation();
  return <p role="status">{t("app.loading")}…</p>;
}
