/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the host room: the forms by which a mask knows a secret that nobody told it. */
#pragma once

#include "mask.h"

typedef struct {
    size_t before; /* bytes that stay in front of it ("password=") */
    size_t length; /* its own; 0: there is nothing */
    DpMaskKind kind;
    bool net; /* an interface's name with a MAC in it */
} DpMaskForm;

/* What stands at @at, where a word of @text begins. */
DpMaskForm dp_mask_form(const char *text, const char *at);

/* Gives interface names with a MAC in them the numbers that a capture gives them. */
void dp_mask_number_nets(DpMask *mask, const DpHost *host);
