/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the guest's large BARs go: behind its memory above 4 GiB, in a window as large as the real
 * BARs need; and whether processor and IOMMU reach that far. */
#include "base/text.h"
#include "build.h"

#include <string.h>

#define GIB          ((uint64_t)1 << 30)
#define USUAL_WINDOW (32 * GIB) /* q35's own, when nothing is said */
/* q35 of QEMU 7.2: where memory is cut in two, and what stays below (pc_q35_init). */
#define SPLIT_FROM ((uint64_t)0xb0000000)
#define SPLIT_LOW  ((uint64_t)0x80000000)
/* A bridge has one window above 4 GiB, for prefetchable memory. */
#define ABOVE (DP_BAR_MEM | DP_BAR_64 | DP_BAR_PREFETCH)
/* Below 1 TiB an AMD IOMMU keeps addresses to itself; QEMU then puts all that is above 4 GiB behind
 * them (AMD_HT_START in hw/i386/pc.c). */
#define AMD_HOLE     ((uint64_t)0xfd00000000)
#define AMD_HOLE_END ((uint64_t)1 << 40)

typedef struct {
    uint64_t memory_end; /* of the guest's memory */
    uint64_t start;      /* where QEMU's window begins */
    uint64_t size;       /* bytes from there on that the BARs need */
    uint64_t end;        /* of the BARs; 0: there is none that needs it */
} Window;

static uint64_t
round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

/* What one function needs behind a bridge of its own: a multiple of its largest BAR, as SeaBIOS
 * makes it. */
static uint64_t
needs_of(const DpFunction *fn, uint64_t *largest)
{
    uint64_t sum = 0, own = 1;

    for (unsigned i = 0; i < DP_N_BARS - 1; i++) {
        const DpBar *bar = &fn->bars[i];

        if ((bar->flags & ABOVE) == ABOVE && bar->size < (uint64_t)1 << 52) {
            sum += bar->size;
            own = MAX(own, bar->size);
        }
    }
    *largest = MAX(*largest, own);
    return round_up(sum, own);
}

static void
place(const DpBuild *build, uint64_t base, Window *ret_window)
{
    const DpPlan *plan = build->plan;
    uint64_t low = plan->memory >= SPLIT_FROM ? SPLIT_LOW : plan->memory;
    uint64_t largest = 1, sum = 0;

    ret_window->memory_end = plan->memory > low ? base + (plan->memory - low) : low;
    ret_window->start = round_up(base + (plan->memory - low), GIB);
    for (guint i = 0; i < plan->devices->len; i++) {
        const DpVmDevice *device = g_ptr_array_index(plan->devices, i);

        sum += device->fn != NULL ? needs_of(device->fn, &largest) : 0;
    }
    ret_window->end = sum != 0 ? round_up(ret_window->start, largest) + sum : 0;
    ret_window->size = sum != 0 ? round_up(ret_window->end - ret_window->start, GIB) : 0;
}

static bool
fits(uint64_t start, uint64_t size, unsigned bits)
{
    return bits == 0 || bits >= 64 || start + size <= (uint64_t)1 << bits;
}

static void
check_processor(DpBuild *build, const Window *window, unsigned bits)
{
    g_autofree char *needed = dp_size_text(window->start + window->size);

    dp_build_diag(
        build, DP_DIAG_VMX_WINDOW_CPU, "memsize",
        "the guest's memory and the BARs of its devices reach up to %s; the processor has "
        "%u address bits",
        needed, bits);
}

/* What a device cannot reach of the guest's memory is refused by VFIO; a BAR of another device is
 * only out of that device's reach. */
static void
check_iommu(DpBuild *build, const Window *window)
{
    unsigned bits = build->input->host->platform.iommu_bits;
    g_autofree char *memory = dp_size_text(window->memory_end);
    g_autofree char *end = dp_size_text(window->end);

    if (!fits(window->memory_end, 0, bits)) {
        dp_build_diag(build, DP_DIAG_VMX_MEMORY_IOMMU, "memsize",
                      "the guest's memory reaches up to %s; the IOMMU translates addresses of %u "
                      "bits",
                      memory, bits);
    } else if (build->plan->devices->len > 1 && !fits(window->end, 0, bits)) {
        dp_build_diag(build, DP_DIAG_VMX_WINDOW_IOMMU, NULL,
                      "the BARs of the passed-through devices lie up to %s in the guest; the IOMMU "
                      "translates addresses of %u bits",
                      end, bits);
    }
}

/* The usual one, or what the BARs or the file ask for; where that is too much for the processor, no
 * more than the BARs need. */
static uint64_t
choose_size(DpBuild *build, const Window *window, unsigned bits)
{
    int64_t gb = dp_build_int(build, "pciPassthru", "64bitMMIOSizeGB", 0, 1 << 20, 0);
    uint64_t wish = MAX(MAX(USUAL_WINDOW, window->size), (uint64_t)gb * GIB);

    return fits(window->start, wish, bits) ? wish : MAX(window->size, GIB);
}

void
dp_build_window(DpBuild *build)
{
    const DpHost *host = build->input->host;
    unsigned bits = host != NULL ? host->platform.address_bits : 0;
    Window window;
    uint64_t size;

    if (host == NULL || !build->wants_passthru) {
        return;
    }
    place(build, 4 * GIB, &window);
    size = choose_size(build, &window, bits);
    if (window.start + size > AMD_HOLE &&
        g_strcmp0(host->platform.cpu_vendor, "AuthenticAMD") == 0) {
        place(build, AMD_HOLE_END, &window);
        size = choose_size(build, &window, bits);
    }
    if (!fits(window.start, size, bits)) {
        check_processor(build, &window, bits);
    }
    check_iommu(build, &window);
    if (size != USUAL_WINDOW) {
        build->plan->window = size;
        dp_build_argf(build, "-global", "q35-pcihost.pci-hole64-size=%" G_GUINT64_FORMAT "G",
                      size / GIB);
    }
}
