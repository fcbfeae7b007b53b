import { getRouteApi } from "@tanstack/react-router";
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import type { AskedJob } from "../../api/jobs";
import { Failure } from "../../parts/Failure";
import { useModelFor } from "../../parts/useModelFor";
import { Card } from "../../ui/Card";
import { Page } from "../../ui/Page";
import { draftOf, MODES, modeOf } from "./draft";
import { Gallery } from "./Gallery";
import styles from "./Images.module.css";
import { RequestForm } from "./RequestForm";
import { useDraft } from "./useDraft";

const route = getRouteApi("/images");

/** Pictures: what a model is asked to draw, and what it has drawn. */
export function ImagesPage() {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const search = route.useSearch();
  const mode = modeOf(search.mode);
  const { models, model, error } = useModelFor(
    ({ model_ability }) => model_ability.includes(MODES[mode].ability),
    search.model,
  );
  const { draft, change } = useDraft(t("images.sample"));
  const form = useRef<HTMLFormElement>(null);
  const again = (asked: AskedJob, seed: string | null) => {
    change(draftOf(asked.input, seed));
    const { model: used } = asked.input;
    void navigate({
      search: { ...search, mode: modeOf(asked.kind), ...(typeof used === "string" && { model: used }) },
      replace: true,
    });
    form.current?.querySelector("textarea")?.focus();
  };
  return (
    <Page title={t("nav.page.images")}>
      {error && <Failure error={error} />}
      <div className={styles.studio}>
        <Card title={t(`images.mode.${mode}`)}>
          <RequestForm
            mode={mode}
            models={models}
            model={model}
            draft={draft}
            focus={form}
            onModel={(chosen) => void navigate({ search: { ...search, model: chosen }, replace: true })}
            onDraft={change}
          />
        </Card>
        <Gallery after={search.after} onAgain={again} />
      </div>
    </Page>
  );
}
