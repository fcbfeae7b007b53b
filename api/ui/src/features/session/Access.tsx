import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import { useSession, useSessionChange } from "./useSession";

/** What this browser may do here, and the way out. */
export function Access() {
  const { t } = useTranslation();
  const { data } = useSession();
  const { end } = useSessionChange();
  if (!data) return null;
  return (
    <>
      {!data.needs_key && <p>{t("session.none")}</p>}
      <p>{data.scopes.includes("admin") ? t("session.admin") : t("session.infer")}</p>
      {data.ends_at !== null && (
        <div>
          <Button onClick={() => end.mutate()}>{t("session.end")}</Button>
        </div>
      )}
    </>
  );
}
