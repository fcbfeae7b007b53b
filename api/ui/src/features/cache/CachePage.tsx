import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Note } from "../../parts/Note";
import { useAdmin } from "../../parts/useAdmin";
import { Page } from "../../ui/Page";
import { Downloads } from "./Downloads";
import { Repositories } from "./Repositories";

/** What is fetched from hubs at this moment, and what lies here already. */
export function CachePage() {
  const { t } = useTranslation();
  const admin = useAdmin();
  const [note, setNote] = useState<string | null>(null);
  return (
    <Page title={t("cache.title")}>
      {!admin && <p>{t("cache.adminOnly")}</p>}
      {note && <Note text={note} onClose={() => setNote(null)} />}
      {admin && <Downloads onDone={setNote} />}
      {admin && <Repositories onDone={setNote} />}
    </Page>
  );
}
