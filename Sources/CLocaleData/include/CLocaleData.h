#ifndef CLOCALEDATA_H
#define CLOCALEDATA_H

/// Whether this program has its own choice of ICU's data in place of all of it.
int CLocaleData_isSelected(void);

#endif
