#ifndef GIRO_SERVICES_LEDGER_HOLD_H
#define GIRO_SERVICES_LEDGER_HOLD_H

int hold_size(void);

#endif
