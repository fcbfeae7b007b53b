import { useTranslation } from "react-i18next";
import type { Replica } from "../../api/types";
import { bytes } from "../../lib/numbers";
import { Told } from "../../parts/Told";
import { useAdmin } from "../../parts/useAdmin";
import { Status } from "../../ui/Status";
import { RemoveButton } from "./RemoveButton";
import { STAGES, toneOf } from "./stages";

interface Props {
  uid: string;
  replica: Replica;
  /** Whether it is the only one, which must stay. */
  last: boolean;
}

/** A replica: where it is, how it is, and what it takes. */
export function ReplicaRow({ uid, replica, last }: Props) {
  const { t, i18n } = useTranslation();
  const admin = useAdmin();
  const size = (count: number | null) => (count ? bytes(count, i18n.language) : "–");
  const stage = STAGES.find((one) => one === replica.state);
  return (
    <tr>
      <td>{replica.replica_id}</td>
      <td>
        <Status tone={toneOf(replica.state)}>{stage ? t(`stage.${stage}`) : replica.state}</Status>
        {replica.error_message && (
          <div>
            <Told text={replica.error_message} reasons={replica.reasons} />
          </div>
        )}
      </td>
      <td>{replica.devices.join(", ") || replica.device || "–"}</td>
      <td>{size(replica.memory_bytes)}</td>
      <td>{size(replica.host_memory_bytes)}</td>
      <td>{replica.inflight}</td>
      {admin && <td>{!last && <RemoveButton uid={uid} replica={replica} />}</td>}
    </tr>
  );
}
