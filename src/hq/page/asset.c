/* The kit's own script and style, and the plot library, as they lie in their files. */
#include "page/page.h"

/* The assembler reads the file: no table of a million numbers for the compiler. */
#define ASSET(name, path)                                                                                    \
    __asm__(".section .rodata\n"                                                                             \
            ".global sotto_page_" #name "\n"                                                                 \
            ".global sotto_page_" #name "_end\n"                                                             \
            "sotto_page_" #name ":\n"                                                                        \
            ".incbin \"" path "\"\n"                                                                         \
            "sotto_page_" #name "_end:\n"                                                                    \
            ".byte 0\n"                                                                                      \
            ".previous\n");                                                                                  \
    extern const uint8_t sotto_page_##name[], sotto_page_##name##_end[]

ASSET(kit, SOTTO_PAGE_KIT);
ASSET(style, SOTTO_PAGE_STYLE);
#ifdef SOTTO_PAGE_PLOTS
ASSET(plots, SOTTO_PAGE_PLOTS);
#endif

sotto_span page_asset_kit(void)
{
    return sotto_span_of(sotto_page_kit, (size_t)(sotto_page_kit_end - sotto_page_kit));
}

sotto_span page_asset_style(void)
{
    return sotto_span_of(sotto_page_style, (size_t)(sotto_page_style_end - sotto_page_style));
}

sotto_span page_asset_plots(void)
{
#ifdef SOTTO_PAGE_PLOTS
    return sotto_span_of(sotto_page_plots, (size_t)(sotto_page_plots_end - sotto_page_plots));
#else
    return sotto_span_of(NULL, 0);
#endif
}

bool page_has_plots(void)
{
    return page_asset_plots().len > 0;
}
