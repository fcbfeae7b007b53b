/* A stand-in for NVIDIA's libnvidia-ml.so.1, for tests on machines without a GPU.
 *
 * What it answers stands in the file that the environment variable FAKE_NVML names (see __init__.py, which writes it).
 * The file is read at each call, so a test can change it while processes run. A line is a key and its value:
 *
 *   init CODE | driver VERSION | cuda 13000
 *   hang 1                 no call returns as long as this is there
 *   device UUID            all that follows is about this device, until the next one
 *   name, total, used, reserved (bytes), capability MAJOR MINOR, display 0|1, numa N, cpus HEX, utilization GPU MEMORY
 *   fault CODE             every call about the device returns it
 *   memory-fault CODE      what asks about its memory returns it
 *   process c|g PID BYTES  c computes, g draws; "-" where NVML does not know the bytes
 *   mig 0|1                the card can be divided; 1: it is
 *   instance UUID ID BYTES USED NAME   one MIG instance
 *   instance-process ID PID BYTES
 *
 * A handle is an index, so it stays good while the file changes.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SUCCESS = 0,
    UNINITIALIZED = 1,
    INVALID_ARGUMENT = 2,
    NOT_SUPPORTED = 3,
    NOT_FOUND = 6,
    INSUFFICIENT_SIZE = 7,
    DRIVER_NOT_LOADED = 9,
};
enum { DEVICES = 16, INSTANCES = 7, PROCESSES = 64, NO_INSTANCE = -1 };

typedef unsigned long long bytes_t;
typedef void *handle_t;

typedef struct { unsigned pid; bytes_t used; unsigned instance, compute_instance; } process_t; /* NVML's v2 and v3 */
typedef struct { process_t all[PROCESSES]; unsigned count; } processes_t;
typedef struct { char uuid[96], name[96]; unsigned id; bytes_t total, used; } instance_t;
typedef struct {
    char uuid[96], name[96];
    bytes_t total, used, reserved, cpus;
    int major, minor, display, numa, fault, memory_fault, mig;
    unsigned busy, memory_busy, instances;
    processes_t computing, drawing;
    instance_t instance[INSTANCES];
} device_t;
typedef struct { int init, hang; char driver[80]; int cuda; unsigned count; device_t device[DEVICES]; } machine_t;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static machine_t machine;
static int users;

static void add_process(processes_t *to, const char *pid, const char *used, unsigned instance)
{
    if (to->count == PROCESSES)
        return;
    process_t *process = &to->all[to->count++];
    process->pid = (unsigned)strtoul(pid, NULL, 10);
    process->used = strcmp(used, "-") ? strtoull(used, NULL, 10) : ~0ULL;
    process->instance = instance;
    process->compute_instance = instance == ~0U ? ~0U : 0;
}

static void read_device_line(device_t *device, const char *key, const char *value)
{
    char first[96] = "", second[96] = "", third[96] = "";
    sscanf(value, "%95s %95s %95s", first, second, third);
    if (!strcmp(key, "name"))
        snprintf(device->name, sizeof device->name, "%.95s", value);
    else if (!strcmp(key, "total"))
        device->total = strtoull(value, NULL, 10);
    else if (!strcmp(key, "used"))
        device->used = strtoull(value, NULL, 10);
    else if (!strcmp(key, "reserved"))
        device->reserved = strtoull(value, NULL, 10);
    else if (!strcmp(key, "capability"))
        sscanf(value, "%d %d", &device->major, &device->minor);
    else if (!strcmp(key, "display"))
        device->display = atoi(value);
    else if (!strcmp(key, "numa"))
        device->numa = atoi(value);
    else if (!strcmp(key, "cpus"))
        device->cpus = strtoull(value, NULL, 16);
    else if (!strcmp(key, "utilization"))
        sscanf(value, "%u %u", &device->busy, &device->memory_busy);
    else if (!strcmp(key, "fault"))
        device->fault = atoi(value);
    else if (!strcmp(key, "memory-fault"))
        device->memory_fault = atoi(value);
    else if (!strcmp(key, "mig"))
        device->mig = atoi(value);
    else if (!strcmp(key, "process"))
        add_process(first[0] == 'c' ? &device->computing : &device->drawing, second, third, ~0U);
    else if (!strcmp(key, "instance-process"))
        add_process(&device->computing, second, third, (unsigned)strtoul(first, NULL, 10));
    else if (!strcmp(key, "instance") && device->instances < INSTANCES) {
        instance_t *instance = &device->instance[device->instances++];
        sscanf(value, "%95s %u %llu %llu %95[^\n]", instance->uuid, &instance->id, &instance->total, &instance->used,
               instance->name);
    }
}

static void read_line(const char *line)
{
    char key[32] = "", value[256] = "";
    if (sscanf(line, "%31s %255[^\n]", key, value) < 1)
        return;
    if (!strcmp(key, "init"))
        machine.init = atoi(value);
    else if (!strcmp(key, "hang"))
        machine.hang = atoi(value);
    else if (!strcmp(key, "driver"))
        snprintf(machine.driver, sizeof machine.driver, "%.79s", value);
    else if (!strcmp(key, "cuda"))
        machine.cuda = atoi(value);
    else if (!strcmp(key, "device") && machine.count < DEVICES) {
        device_t *device = &machine.device[machine.count++];
        snprintf(device->uuid, sizeof device->uuid, "%.95s", value);
        device->mig = -1;
    } else if (machine.count)
        read_device_line(&machine.device[machine.count - 1], key, value);
}

/* Read the description; an NVML error where there is none. */
static int look_once(void)
{
    char line[512];
    const char *path = getenv("FAKE_NVML");
    FILE *file = path ? fopen(path, "r") : NULL;
    memset(&machine, 0, sizeof machine);
    if (!file)
        return DRIVER_NOT_LOADED;
    while (fgets(line, sizeof line, file))
        read_line(line);
    fclose(file);
    return SUCCESS;
}

static int look(void)
{
    int result = look_once();
    while (machine.hang) {
        usleep(20000);
        result = look_once();
    }
    return result;
}

/* Each function holds the lock from BEGIN to END, and knows the machine as the file has it now. */
#define BEGIN                                                                                                          \
    int result = SUCCESS;                                                                                              \
    pthread_mutex_lock(&lock);                                                                                         \
    if (!users)                                                                                                        \
        result = UNINITIALIZED;                                                                                        \
    else                                                                                                               \
        result = look();                                                                                               \
    if (result == SUCCESS) {
#define END                                                                                                            \
    }                                                                                                                  \
    pthread_mutex_unlock(&lock);                                                                                       \
    return result;

static handle_t handle_of(unsigned device, int instance)
{
    return (handle_t)(uintptr_t)((device + 1) << 8 | (unsigned)(instance + 1));
}

/* The device of a handle; sets result where it is none, or has a fault. */
static device_t *device_of(handle_t handle, int *instance, int *result)
{
    unsigned index = (unsigned)((uintptr_t)handle >> 8) - 1;
    *instance = (int)((uintptr_t)handle & 255) - 1;
    device_t *device = &machine.device[index < DEVICES ? index : 0];
    if (index >= machine.count || *instance >= (int)device->instances)
        *result = INVALID_ARGUMENT;
    else
        *result = device->fault;
    return device;
}

#define BEGIN_DEVICE                                                                                                   \
    BEGIN int instance;                                                                                                \
    device_t *device = device_of(handle, &instance, &result);                                                          \
    (void)device;                                                                                                      \
    if (result == SUCCESS) {
#define END_DEVICE                                                                                                     \
    }                                                                                                                  \
    END

static int copy(char *to, unsigned size, const char *text)
{
    return snprintf(to, size, "%s", text) < (int)size ? SUCCESS : INSUFFICIENT_SIZE;
}

/* ---- the library and the system --------------------------------------------------------------------------------- */

int nvmlInitWithFlags(unsigned flags)
{
    (void)flags;
    pthread_mutex_lock(&lock);
    int result = look();
    if (result == SUCCESS)
        result = machine.init;
    if (result == SUCCESS)
        users++;
    pthread_mutex_unlock(&lock);
    return result;
}

int nvmlInit_v2(void)
{
    return nvmlInitWithFlags(0);
}

int nvmlShutdown(void)
{
    pthread_mutex_lock(&lock);
    int result = users ? SUCCESS : UNINITIALIZED;
    if (users)
        users--;
    pthread_mutex_unlock(&lock);
    return result;
}

const char *nvmlErrorString(int result)
{
    switch (result) {
    case 0: return "Success";
    case 1: return "Uninitialized";
    case 2: return "Invalid Argument";
    case 3: return "Not Supported";
    case 4: return "Insufficient Permissions";
    case 6: return "Not Found";
    case 7: return "Insufficient Size";
    case 9: return "Driver Not Loaded";
    case 15: return "GPU is lost";
    case 18: return "Driver/library version mismatch";
    default: return "Unknown Error";
    }
}

int nvmlSystemGetDriverVersion(char *version, unsigned size)
{
    BEGIN
    result = copy(version, size, machine.driver);
    END
}

int nvmlSystemGetNVMLVersion(char *version, unsigned size)
{
    char text[96];
    BEGIN
    snprintf(text, sizeof text, "%d.%s", machine.cuda / 1000, machine.driver);
    result = copy(version, size, text);
    END
}

int nvmlSystemGetCudaDriverVersion_v2(int *version)
{
    BEGIN
    *version = machine.cuda;
    END
}

int nvmlSystemGetCudaDriverVersion(int *version)
{
    return nvmlSystemGetCudaDriverVersion_v2(version);
}

/* ---- devices ---------------------------------------------------------------------------------------------------- */

int nvmlDeviceGetCount_v2(unsigned *count) /* counts those also that may not be used */
{
    BEGIN
    *count = machine.count;
    END
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, handle_t *handle)
{
    BEGIN
    if (index >= machine.count)
        result = INVALID_ARGUMENT;
    else {
        *handle = handle_of(index, NO_INSTANCE);
        result = machine.device[index].fault;
    }
    END
}

int nvmlDeviceGetHandleByUUID(const char *uuid, handle_t *handle)
{
    BEGIN
    result = NOT_FOUND;
    for (unsigned index = 0; index < machine.count; index++) {
        device_t *device = &machine.device[index];
        int found = strcmp(device->uuid, uuid) ? NO_INSTANCE - 1 : NO_INSTANCE;
        for (unsigned each = 0; device->mig == 1 && each < device->instances; each++)
            if (!strcmp(device->instance[each].uuid, uuid))
                found = (int)each;
        if (found >= NO_INSTANCE) {
            *handle = handle_of(index, found);
            result = device->fault;
        }
    }
    END
}

int nvmlDeviceGetIndex(handle_t handle, unsigned *index)
{
    BEGIN_DEVICE
    *index = instance == NO_INSTANCE ? (unsigned)(device - machine.device) : (unsigned)instance;
    END_DEVICE
}

int nvmlDeviceGetName(handle_t handle, char *name, unsigned size)
{
    char text[200];
    BEGIN_DEVICE
    if (instance == NO_INSTANCE)
        result = copy(name, size, device->name);
    else {
        snprintf(text, sizeof text, "%s MIG %s", device->name, device->instance[instance].name);
        result = copy(name, size, text);
    }
    END_DEVICE
}

int nvmlDeviceGetUUID(handle_t handle, char *uuid, unsigned size)
{
    BEGIN_DEVICE
    result = copy(uuid, size, instance == NO_INSTANCE ? device->uuid : device->instance[instance].uuid);
    END_DEVICE
}

typedef struct { bytes_t total, free, used; } memory_t;
typedef struct { unsigned version; bytes_t total, reserved, free, used; } memory_v2_t;

int nvmlDeviceGetMemoryInfo_v2(handle_t handle, memory_v2_t *memory)
{
    BEGIN_DEVICE
    result = device->memory_fault;
    int whole = instance == NO_INSTANCE;
    memory->total = whole ? device->total : device->instance[instance].total;
    memory->used = whole ? device->used : device->instance[instance].used;
    memory->reserved = whole ? device->reserved : 0;
    memory->free = memory->total - memory->used - memory->reserved;
    END_DEVICE
}

int nvmlDeviceGetMemoryInfo(handle_t handle, memory_t *memory) /* what is reserved counts as used here */
{
    memory_v2_t both;
    int result = nvmlDeviceGetMemoryInfo_v2(handle, &both);
    if (result == SUCCESS)
        *memory = (memory_t){both.total, both.free, both.used + both.reserved};
    return result;
}

int nvmlDeviceGetCudaComputeCapability(handle_t handle, int *major, int *minor)
{
    BEGIN_DEVICE
    *major = device->major;
    *minor = device->minor;
    END_DEVICE
}

int nvmlDeviceGetDisplayActive(handle_t handle, unsigned *active)
{
    BEGIN_DEVICE
    *active = (unsigned)device->display;
    END_DEVICE
}

int nvmlDeviceGetDisplayMode(handle_t handle, unsigned *mode)
{
    return nvmlDeviceGetDisplayActive(handle, mode);
}

int nvmlDeviceGetNumaNodeId(handle_t handle, int *node)
{
    BEGIN_DEVICE
    *node = device->numa;
    END_DEVICE
}

int nvmlDeviceGetCpuAffinity(handle_t handle, unsigned size, unsigned long *set)
{
    BEGIN_DEVICE
    if (!device->cpus)
        result = NOT_SUPPORTED;
    else if (!size)
        result = INSUFFICIENT_SIZE;
    else {
        memset(set, 0, size * sizeof *set);
        set[0] = (unsigned long)device->cpus;
    }
    END_DEVICE
}

typedef struct { unsigned gpu, memory; } utilization_t;

int nvmlDeviceGetUtilizationRates(handle_t handle, utilization_t *rates)
{
    BEGIN_DEVICE
    if (device->mig == 1)
        result = NOT_SUPPORTED;
    else
        *rates = (utilization_t){device->busy, device->memory_busy};
    END_DEVICE
}

typedef struct {
    char legacy[16];
    unsigned domain, bus, device, id, subsystem;
    char bus_id[32];
} pci_t;

int nvmlDeviceGetPciInfo_v3(handle_t handle, pci_t *pci)
{
    BEGIN_DEVICE
    memset(pci, 0, sizeof *pci);
    pci->bus = (unsigned)(device - machine.device) + 1;
    snprintf(pci->legacy, sizeof pci->legacy, "0000:%02X:00.0", pci->bus & 255);
    snprintf(pci->bus_id, sizeof pci->bus_id, "00000000:%02X:00.0", pci->bus & 255);
    END_DEVICE
}

/* ---- processes -------------------------------------------------------------------------------------------------- */

/* The processes of a device, or of the MIG instance alone where the handle is one. */
static int list(const processes_t *from, unsigned instance, unsigned *count, process_t *to)
{
    unsigned room = *count, found = 0;
    for (unsigned each = 0; each < from->count; each++) {
        if (instance != ~0U && from->all[each].instance != instance)
            continue;
        if (to && found < room)
            to[found] = from->all[each];
        found++;
    }
    *count = found;
    return found > (to ? room : 0) ? INSUFFICIENT_SIZE : SUCCESS;
}

int nvmlDeviceGetComputeRunningProcesses_v3(handle_t handle, unsigned *count, process_t *processes)
{
    BEGIN_DEVICE
    unsigned id = instance == NO_INSTANCE ? ~0U : device->instance[instance].id;
    result = list(&device->computing, id, count, processes);
    END_DEVICE
}

int nvmlDeviceGetComputeRunningProcesses_v2(handle_t handle, unsigned *count, process_t *processes)
{
    return nvmlDeviceGetComputeRunningProcesses_v3(handle, count, processes);
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(handle_t handle, unsigned *count, process_t *processes)
{
    BEGIN_DEVICE
    unsigned id = instance == NO_INSTANCE ? ~0U : device->instance[instance].id;
    result = list(&device->drawing, id, count, processes);
    END_DEVICE
}

int nvmlDeviceGetGraphicsRunningProcesses_v2(handle_t handle, unsigned *count, process_t *processes)
{
    return nvmlDeviceGetGraphicsRunningProcesses_v3(handle, count, processes);
}

/* ---- MIG -------------------------------------------------------------------------------------------------------- */

int nvmlDeviceGetMigMode(handle_t handle, unsigned *current, unsigned *pending)
{
    BEGIN_DEVICE
    if (device->mig < 0 || instance != NO_INSTANCE)
        result = NOT_SUPPORTED;
    else
        *current = *pending = (unsigned)device->mig;
    END_DEVICE
}

int nvmlDeviceGetMaxMigDeviceCount(handle_t handle, unsigned *count)
{
    BEGIN_DEVICE
    *count = device->mig == 1 ? INSTANCES : 0;
    END_DEVICE
}

int nvmlDeviceGetMigDeviceHandleByIndex(handle_t handle, unsigned index, handle_t *mig)
{
    BEGIN_DEVICE
    if (device->mig < 0)
        result = NOT_SUPPORTED;
    else if (!device->mig || index >= device->instances)
        result = NOT_FOUND;
    else
        *mig = handle_of((unsigned)(device - machine.device), (int)index);
    END_DEVICE
}

int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(handle_t handle, handle_t *parent)
{
    BEGIN_DEVICE
    if (instance == NO_INSTANCE)
        result = INVALID_ARGUMENT;
    else
        *parent = handle_of((unsigned)(device - machine.device), NO_INSTANCE);
    END_DEVICE
}

int nvmlDeviceIsMigDeviceHandle(handle_t handle, unsigned *is_mig)
{
    BEGIN_DEVICE
    *is_mig = instance != NO_INSTANCE;
    END_DEVICE
}

int nvmlDeviceGetGpuInstanceId(handle_t handle, unsigned *id)
{
    BEGIN_DEVICE
    if (instance == NO_INSTANCE)
        result = INVALID_ARGUMENT;
    else
        *id = device->instance[instance].id;
    END_DEVICE
}

int nvmlDeviceGetComputeInstanceId(handle_t handle, unsigned *id)
{
    BEGIN_DEVICE
    if (instance == NO_INSTANCE)
        result = INVALID_ARGUMENT;
    else
        *id = 0;
    END_DEVICE
}
