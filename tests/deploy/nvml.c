/* NVML of a machine with two GPUs, of which the second is lost. NVML_INIT is what its initialization returns; "hang"
 * never returns, "crash" ends the process. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int nvmlInit_v2(void)
{
    const char *init = getenv("NVML_INIT") ? getenv("NVML_INIT") : "0";
    while (!strcmp(init, "hang"))
        pause();
    return strcmp(init, "crash") ? atoi(init) : (abort(), 0);
}
int nvmlShutdown(void) { return 0; }
const char *nvmlErrorString(int code) { return code == 18 ? "Driver/library version mismatch" : "Driver Not Loaded"; }
int nvmlSystemGetDriverVersion(char *text, unsigned size) { return size < 11 ? 7 : (strcpy(text, "570.124.06"), 0); }
int nvmlSystemGetCudaDriverVersion_v2(int *number) { *number = 12080; return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 2; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) { *handle = &nvmlShutdown; return index ? 15 : 0; }
int nvmlDeviceGetName(void *handle, char *text, unsigned size) { return size < 9 ? 7 : (strcpy(text, "Tesla T4"), 0); }
int nvmlDeviceGetCudaComputeCapability(void *handle, int *major, int *minor) { *major = 7; *minor = 5; return 0; }
