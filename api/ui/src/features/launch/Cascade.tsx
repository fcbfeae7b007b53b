import { useTranslation } from "react-i18next";
import { ApiError } from "../../api/errors";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { Told } from "../../parts/Told";
import { mayTry } from "./cascade";
import type { FieldsProps } from "./fields";
import styles from "./Launch.module.css";
import { StepChoice } from "./StepChoice";
import type { Form } from "./useForm";

/** Engine, format, size and quantisation, one after the other; sensible ones are chosen already. */
export function Cascade({ form, set, fault }: Pick<FieldsProps, "set" | "fault"> & { form: Form }) {
  const { t } = useTranslation();
  const { name, model, steps, way } = form;
  if (!name) return <p className={styles.small}>{t("launch.nameFirst")}</p>;
  if (model.error && !(model.error instanceof ApiError && model.error.status === 404))
    return <Failure error={model.error} again={() => void model.refetch()} />;
  if (model.error) return null;
  if (!model.data) return <Loading />;
  const why = way && !mayTry(way) ? { text: way.reason ?? "", reasons: way.reasons } : null;
  const isSaid = steps.some(({ options, value }) =>
    options.some((one) => one.value === value && one.reason !== null && one.reason.text === why?.text),
  );
  const never = why ?? (model.data.unserved ? { text: model.data.unserved } : null);
  return (
    <>
      {steps
        .filter((step) => step.options.length > 0)
        .map((step) => (
          <StepChoice
            key={step.level}
            step={step}
            fault={never === null ? fault(step.level) : null}
            onPick={(value) => set({ [step.level]: value })}
          />
        ))}
      {never && !isSaid && (
        <p className={styles.bad}>
          {t("launch.never")} <Told {...never} />
        </p>
      )}
    </>
  );
}
