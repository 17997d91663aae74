/** Names, cities and products of org DEMO. Phone numbers and addresses are from the ranges reserved for fiction. */

export const GIVEN_NAMES: readonly string[] = [
  'Anna',
  'Ben',
  'Carla',
  'Daniel',
  'Elena',
  'Farid',
  'Grace',
  'Hugo',
  'Ines',
  'Jonas',
  'Keiko',
  'Liam',
  'Maria',
  'Noah',
  'Olivia',
  'Pablo',
  'Quinn',
  'Rosa',
  'Samir',
  'Tara',
  'Uma',
  'Victor',
  'Wanda',
  'Ximena',
  'Yusuf',
  'Zoe',
];

export const FAMILY_NAMES: readonly string[] = [
  'Adler',
  'Brooks',
  'Castillo',
  'Dubois',
  'Evans',
  'Fischer',
  'Garcia',
  'Hansen',
  'Ito',
  'Jones',
  'Kowalski',
  'Lindqvist',
  'Moreau',
  'Nakamura',
  'Okafor',
  'Petrov',
  'Quintero',
  'Rossi',
  'Smith',
  'Tanaka',
  'Ueda',
  'Vargas',
  'Weber',
  'Young',
];

export const STREETS: readonly string[] = [
  'Oak Street',
  'Maple Avenue',
  'Mill Lane',
  'Harbor Road',
  'Station Street',
  'Elm Court',
];

export const CITIES: readonly { city: string; region: string; postal_code: string; area: string }[] = [
  { city: 'New York', region: 'NY', postal_code: '10001', area: '212' },
  { city: 'Chicago', region: 'IL', postal_code: '60601', area: '312' },
  { city: 'Seattle', region: 'WA', postal_code: '98101', area: '206' },
  { city: 'Austin', region: 'TX', postal_code: '78701', area: '512' },
  { city: 'Boston', region: 'MA', postal_code: '02108', area: '617' },
];

export const PRODUCTS: readonly { sku: string; category: string; cents: number }[] = [
  { sku: 'COF-250', category: 'coffee', cents: 1290 },
  { sku: 'COF-1000', category: 'coffee', cents: 3990 },
  { sku: 'MUG-01', category: 'gifts', cents: 1450 },
  { sku: 'GRD-02', category: 'equipment', cents: 12900 },
  { sku: 'TEA-100', category: 'tea', cents: 890 },
  { sku: 'FLT-100', category: 'equipment', cents: 650 },
  { sku: 'CHO-80', category: 'sweets', cents: 420 },
];
