#include "genmd/Schedule.h"
#include "TableValue.h"
#include "openmm/OpenMMException.h"
#include <algorithm>
#include <cmath>
#include <sstream>

using namespace OpenMM;
using namespace std;

static const double TOLERANCE = 1e-9;

Schedule::Schedule() : table({0.0, 1.0}) {
}

Schedule::Schedule(const vector<double>& table) : table(table) {
    if (table.size() < 2)
        throw OpenMMException("Schedule: a table needs at least two values, got " + to_string(table.size()));
    if (any_of(table.begin(), table.end(), [](double value) { return !isfinite(value); }))
        throw OpenMMException("Schedule: the table contains a value that is not finite");
    if (fabs(table.front()) > TOLERANCE || fabs(table.back() - 1) > TOLERANCE) {
        stringstream message;
        message << "Schedule: a table must begin with 0 and end with 1, got " << table.front() << " and "
                << table.back();
        throw OpenMMException(message.str());
    }
}

double Schedule::getValue(double u) const {
    return getTableValue(table, u);
}

void Schedule::requireSymmetric() const {
    for (int i = 0, j = table.size() - 1; i <= j; i++, j--)
        if (fabs(table[i] + table[j] - 1) > TOLERANCE) {
            stringstream message;
            message << "Schedule: read backwards it must be that of the reverse move, f(1-u) = 1-f(u), but values " << i
                    << " and " << j << " of the table are " << table[i] << " and " << table[j]
                    << ". Such a switch would not sample the Boltzmann distribution";
            throw OpenMMException(message.str());
        }
}
