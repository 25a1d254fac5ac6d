/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmx-encoding.h"

#include "base/text.h"

#include <string.h>

struct DpVmxEncoding {
    bool known;
    const char *name; /* of glibc's converter; NULL: not known */
    GIConv iconv;     /* (GIConv)-1: bytes are UTF-8, or nobody knows what they are */
};

#define NO_ICONV ((GIConv)-1)

/* Names as ICU and IANA have them, in lower case without punctuation, and the converter of glibc.
 * Those that real files have: UTF-8, windows-1252, GBK, Shift_JIS, windows-949-2000; the others are
 * what Windows and Linux hosts of other languages use. */
static const struct {
    const char *iconv;
    const char *names; /* separated by spaces */
} encodings[] = {
    {"UTF-8", "utf8 usascii ascii ansix341968 ibm1208"}, /* ASCII is a part of UTF-8 */
    {"CP1252", "windows1252 cp1252 ibm5348p1001997 ibm5348"},
    {"CP936", "gbk cp936 ms936 windows936 windows9362000 936 ibm1386p1002001"},
    {"CP936", "gb2312 gb231280 euccn csgb2312 ibm1383p1101999"}, /* GBK contains it */
    {"GB18030", "gb18030 54936 ibm1392"},
    {"CP932", "shiftjis mskanji csshiftjis sjis windows31j cswindows31j windows932 cp932 ms932"},
    {"CP932", "ibm943 ibm943p15a2003 ibm943p130a1999 cp943 943 932 xsjis xmscp932"},
    {"CP949", "windows949 windows9492000 cp949 ms949 949 ksc56011987 ksc5601 korean uhc"},
    {"CP949", "ibm1363 ibm1363p11b1998 cp1363 csksc56011987"},
    {"CP950", "big5 windows950 windows9502000 cp950 950 csbig5 bigfive xbig5 xwindows950"},
    {"BIG5-HKSCS", "big5hkscs big5hk ibm1375p1002008 ibm1375"},
    {"EUC-JP", "eucjp xeucjp cseucpkdfmtjapanese ibm33722p12ap122009u2 ibm954p1012007"},
    {"EUC-KR", "euckr cseuckr ibm970p110p1102006u2 ibm970"},
    {"CP874", "windows874 windows8742000 cp874 ms874 tis620 ibm874 ibm874p1001995"},
    {"CP1250", "windows1250 cp1250 ibm5346p1001998 ibm5346"},
    {"CP1251", "windows1251 cp1251 ibm5347p1001998 ibm5347"},
    {"CP1253", "windows1253 cp1253 ibm5349p1001998 ibm5349"},
    {"CP1254", "windows1254 cp1254 ibm5350p1001998 ibm5350"},
    {"CP1255", "windows1255 cp1255 ibm9447p1002002 ibm9447"},
    {"CP1256", "windows1256 cp1256 ibm9448x1002005 ibm9448"},
    {"CP1257", "windows1257 cp1257 ibm9449p1002002 ibm9449"},
    {"CP1258", "windows1258 cp1258 ibm5354p1001998 ibm5354"},
    {"ISO-8859-1", "iso88591 latin1 l1 isolatin1 ibm819 cp819 88591"},
    {"ISO-8859-2", "iso88592 latin2 l2 ibm912p1001995 ibm912"},
    {"ISO-8859-5", "iso88595 cyrillic ibm915p1001995 ibm915"},
    {"ISO-8859-7", "iso88597 greek ibm9005x1102007 ibm9005"},
    {"ISO-8859-9", "iso88599 latin5 l5 ibm920p1001995 ibm920"},
    {"ISO-8859-15", "iso885915 latin9 ibm923p1001998 ibm923"},
    {"KOI8-R", "koi8r koi8 cskoi8r ibm878p1001996 ibm878"},
};

/* ICU compares names without case and punctuation. */
static char *
normalise(const char *name)
{
    GString *out = g_string_new(NULL);

    for (const char *p = name; *p != '\0'; p++) {
        if (g_ascii_isalnum(*p)) {
            g_string_append_c(out, g_ascii_tolower(*p));
        }
    }
    return g_string_free(out, false);
}

static bool
listed(const char *names, const char *name)
{
    size_t len = strlen(name);

    for (const char *p = names; p != NULL; p = strchr(p, ' ')) {
        p += *p == ' ';
        if (strncmp(p, name, len) == 0 && (p[len] == ' ' || p[len] == '\0')) {
            return len > 0;
        }
    }
    return false;
}

static const char *
find_iconv(const char *name)
{
    g_autofree char *plain = normalise(name);

    for (size_t i = 0; i < G_N_ELEMENTS(encodings); i++) {
        if (listed(encodings[i].names, plain)) {
            return encodings[i].iconv;
        }
    }
    return NULL;
}

DpVmxEncoding *
dp_vmx_encoding_new(const char *name)
{
    DpVmxEncoding *encoding = g_new0(DpVmxEncoding, 1);
    const char *iconv = name == NULL ? "UTF-8" : find_iconv(name);

    encoding->name = iconv;
    encoding->known = iconv != NULL;
    encoding->iconv = NO_ICONV;
    if (iconv != NULL && strcmp(iconv, "UTF-8") != 0) {
        encoding->iconv = g_iconv_open("UTF-8", iconv);
        encoding->known = encoding->iconv != NO_ICONV;
    }
    return encoding;
}

void
dp_vmx_encoding_free(DpVmxEncoding *encoding)
{
    if (encoding == NULL) {
        return;
    }
    if (encoding->iconv != NO_ICONV) {
        (void)g_iconv_close(encoding->iconv);
    }
    g_free(encoding);
}

bool
dp_vmx_encoding_known(const DpVmxEncoding *encoding)
{
    return encoding->known;
}

char *
dp_vmx_encoding_show(const DpVmxEncoding *encoding, const char *value, bool *ret_valid)
{
    g_autofree char *utf8 = NULL;
    bool valid;

    if (encoding->iconv == NO_ICONV) {
        valid = g_utf8_validate(value, -1, NULL);
    } else {
        /* A broken value must not leave half a character for the next one. */
        (void)g_iconv(encoding->iconv, NULL, NULL, NULL, NULL);
        utf8 = g_convert_with_iconv(value, -1, encoding->iconv, NULL, NULL, NULL);
        valid = utf8 != NULL;
    }
    if (ret_valid != NULL) {
        *ret_valid = valid;
    }
    return dp_text_visible_max(utf8 != NULL ? utf8 : value, -1, G_MAXSIZE);
}

char *
dp_vmx_encoding_encode(const DpVmxEncoding *encoding, const char *shown)
{
    g_autofree char *bytes = NULL;

    if (!encoding->known || !g_utf8_validate(shown, -1, NULL)) {
        /* Nobody knows what other bytes would mean in it; ASCII is the same in all of them. */
        return g_str_is_ascii(shown) ? g_strdup(shown) : NULL;
    }
    if (encoding->iconv == NO_ICONV) {
        return g_strdup(shown);
    }
    bytes = g_convert(shown, -1, encoding->name, "UTF-8", NULL, NULL, NULL);
    return g_steal_pointer(&bytes);
}
